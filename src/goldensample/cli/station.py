"""`golden station`: back up a station's folder while it runs, and restore it."""

from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import Json
from goldensample.cli.serve_options import MISSING, explain_missing
from goldensample.locales.language import counted, gettext

app = typer.Typer(
    help="A station's folder: back it up while it runs, and restore it.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("backup")
def backup_folder(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .zip file to write.")],
    folder: Annotated[Path, typer.Option(help="That of golden serve --folder.")] = Path("station"),
    json: Json = False,
) -> None:
    """Write records, pictures and products of a station to one file, while it runs or not."""
    with explain_missing(MISSING):
        from goldensample.station.backup import back_up

    with progress() as notify:
        made = back_up(folder, file, notify)
    if made.elsewhere:
        text = gettext(
            "golden: the files of %(products)s are not in %(folder)s, and so not in the backup; "
            "keep copies of them"
        )
        tell(text % {"products": ", ".join(made.elsewhere), "folder": folder})
    if json:
        values = {"records": made.records, "files": made.files, "deleted": made.deleted}
        print_json({"file": str(file), **values, "products_elsewhere": made.elsewhere})
        return
    parts = [*_counts(made.records, made.files), f"{file.stat().st_size / 1e6:,.1f} MB"]
    if made.deleted:
        parts.append(
            counted(
                "%(num)s older file had been deleted",
                "%(num)s older files had been deleted",
                made.deleted,
            )
        )
    say(f"{file}: {', '.join(parts)}")


@app.command("restore")
def restore_folder(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    folder: Annotated[Path, typer.Option(help="A new folder, for golden serve --folder.")],
    json: Json = False,
) -> None:
    """Make a new folder of a backup: all of it, checked and brought to this version, or none."""
    with explain_missing(MISSING):
        from goldensample.station.backup import restore

    with progress() as notify:
        made = restore(file, folder, notify)
    if json:
        print_json({"folder": str(folder), "records": made.records, "files": made.files})
        return
    text = gettext(
        "%(folder)s: %(counts)s, every one as it was backed up; open it with %(command)s"
    )
    values = {"folder": folder, "counts": ", ".join(_counts(made.records, made.files))}
    say(text % {**values, "command": f"golden serve --folder {folder}"})


def _counts(records: int, files: int) -> list[str]:
    """Return how many records and files there are, in words."""
    return [
        counted("%(num)s record", "%(num)s records", records),
        counted("%(num)s file", "%(num)s files", files),
    ]
