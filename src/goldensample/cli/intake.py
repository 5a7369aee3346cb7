"""What an inspection or an audit left out, or may have taken for a part: counted and printed."""

from goldensample.cli.console import print_json, tell
from goldensample.images.folder import Folder
from goldensample.images.inspection_intake import InspectionIntake
from goldensample.images.intake import Intake, inspected_facts
from goldensample.records import Picture
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import OutputFolder, split_path
from goldensample.wording.intake import inspected_json, intake_notes


def begin_intake(pictures: Folder) -> InspectionIntake:
    """Return the count of pictures that are to be inspected."""
    return InspectionIntake(pictures.names, pictures.intake or Intake(len(pictures)))


def count_picture(counted: InspectionIntake, picture: Picture | None) -> None:
    """Count a picture that could be read."""
    if picture:
        counted.add(picture.name, *inspected_facts(picture.pixels))


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


def print_intake(intake: Intake, json: bool) -> None:
    """Print it as a JSON object, where that is asked for and there is something to tell."""
    found = inspected_json(intake)
    if json and any(kind["count"] for kind in found.values()):
        print_json(found)
