"""What a fitted inspector looks at, and by which limits, changed without a new fit."""

from dataclasses import replace

from goldensample.features.extraction import level_shapes
from goldensample.fitting.zone_support import check_zones
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.revision import REGIONS, Revision
from goldensample.learning.revisions import Note, apply_journal, open_journal
from goldensample.preparation.scope import Scope, is_within


def rescope(inspector: Inspector, scope: Scope, note: Note) -> Inspector:
    """Return an inspector that looks at other parts of pictures, or by other limits.

    The bank stays; what it has from places that are no longer looked at does no harm. The limits
    stay, and their promise while no distance can be larger than when they were set, see
    `Journal.limits_hold`.

    Raises:
        ValueError: nothing would change, something is looked at that the fit did not, a zone holds
            no patch, or the method cannot learn.
    """
    journal, prepared = open_journal(inspector), inspector.preparation
    before = Scope(prepared.view, prepared.zones)
    if scope == before:
        raise ValueError(
            "other regions must differ from those in use; these do not; draw others, or leave it"
        )
    if not is_within(scope, journal.scope(0) or before):
        raise ValueError(
            "a part that is looked at must have been looked at in the fit, or all in it is odd; "
            "these regions look at more; draw less, or fit anew with them"
        )
    changed = replace(prepared, view=scope.view, zones=scope.zones)
    shapes = {picture.shape_hw for picture in inspector.pictures}
    check_zones(inspector.method, changed, inspector.backbone, shapes)
    _, *grid_hw = level_shapes(changed, inspector.backbone)[0]
    for shape in sorted(shapes):
        changed.placement(shape).valid((grid_hw[0], grid_hw[1]))
    revision = Revision(REGIONS, note.time, note.reason, scope=(before, scope))
    return apply_journal(inspector, journal.add_revision(revision))
