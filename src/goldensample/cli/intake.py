"""What an inspection or an audit left out, or may have taken for a part: counted and printed."""

from collections.abc import Container
from typing import Any

from goldensample.cli.console import print_json, tell
from goldensample.images.folder import Folder
from goldensample.images.inspection_intake import InspectionIntake
from goldensample.images.intake import FEW_LEVELS, Intake, inspected_facts
from goldensample.records import Picture
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import OutputFolder, split_path
from goldensample.wording.intake import inspected_json, intake_notes


def begin_intake(pictures: Folder) -> InspectionIntake:
    """Return the count of pictures that are to be inspected."""
    return InspectionIntake(pictures.names, pictures.intake or Intake(len(pictures)))


def count_picture(counted: InspectionIntake, picture: Picture | None) -> dict[str, Any]:
    """Count a picture that could be read; return its number of grey levels where they are few."""
    if picture is None:
        return {}
    levels, digest = inspected_facts(picture.pixels)
    counted.add(picture.name, levels, digest)
    return {"grey_levels": levels} if levels < FEW_LEVELS else {}


def tell_intake(counted: InspectionIntake) -> Intake:
    """Print what was left out and what may show no part; return it."""
    intake = counted.finish()
    for sentence in intake_notes(intake, fitted=False):
        tell(f"golden: {sentence}")
    return intake


def tell_table_intake(counted: InspectionIntake, output: str) -> Intake:
    """Do the same for the pictures of a finished table."""
    folder, name = split_path(output)
    with OutputFolder(folder).open_reader(name) as file:
        for facts in verdict_table.read_facts(file):
            counted.add(*facts)
    return tell_intake(counted)


def print_intake(intake: Intake, json: bool, of_each: Container[str] = ()) -> None:
    """Print it as a JSON object, where that is asked for and there is something to tell.

    Args:
        of_each: kinds that the line of each picture has told.
    """
    found = inspected_json(intake)
    if json and any(kind["count"] for name, kind in found.items() if name not in of_each):
        print_json(found)
