"""`golden station`: back up a station's folder while it runs, and restore it."""

from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import Json
from goldensample.cli.serve_options import MISSING, explain_missing

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
        tell(
            f"golden: the files of {', '.join(made.elsewhere)} are not in {folder}, and so not in "
            "the backup; keep copies of them"
        )
    if json:
        values = {"records": made.records, "files": made.files, "deleted": made.deleted}
        print_json({"file": str(file), **values, "products_elsewhere": made.elsewhere})
        return
    gone = f"; {made.deleted:,} older files had been deleted" if made.deleted else ""
    say(
        f"{file}: {made.records:,} records and {made.files:,} files, "
        f"{file.stat().st_size / 1e6:,.1f} MB{gone}"
    )


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
    say(
        f"{folder}: {made.records:,} records and {made.files:,} files, every one as it was backed "
        f"up; open it with golden serve --folder {folder}"
    )
