"""`golden regions`: change what a file looks at, and by which limits, without a new fit."""

from dataclasses import replace

from goldensample.cli.learning import (
    ChangedFile,
    Reason,
    locked_inspector,
    note,
    print_change,
    write,
)
from goldensample.cli.options import Ignore, Json, RoiFile, ZonesFile
from goldensample.locales.language import gettext
from goldensample.preparation.zones import describe_limit


def command(
    file: ChangedFile,
    ignore: Ignore = None,
    look_at: RoiFile = None,
    zones: ZonesFile = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Change what of every picture is looked at, and zones; without options all, by one limit."""
    from goldensample.learning.rescope import rescope
    from goldensample.masks.zone_files import add_roi_and_zones
    from goldensample.preparation.scope import Scope
    from goldensample.wording.limits import percent

    with locked_inspector(file) as inspector:
        bare = replace(inspector.preparation, view=None, zones=())
        shapes = [picture.shape_hw for picture in inspector.pictures]
        asked = add_roi_and_zones(bare, (ignore, look_at, zones), shapes)
        changed = rescope(inspector, Scope(asked.view, asked.zones), note(reason))
        write(changed, file)
    share = asked.view.share if asked.view else 1.0
    done = gettext("%(share)s of the picture is looked at") % {"share": percent(share)}
    done += "".join(f"; {zone.name}: {describe_limit(zone.limit)}" for zone in asked.zones)
    limits = {zone.name: zone.limit for zone in asked.zones}
    print_change(changed, file, done, {"looked_at": share, "zones": limits}, json)
