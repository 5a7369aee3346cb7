"""Serial numbers read from codes in pictures; never guessed."""

from dataclasses import replace

from goldensample.errors import ImageError
from goldensample.parts.codes import read_code
from goldensample.records import Picture
from goldensample.station.line.jobs import Job


def with_code(job: Job, picture: Picture) -> Job:
    """Return a job with the serial number of the code in its picture, or as an error that says why.

    The name of a file in a folder only says which pictures belong together, so the code counts; a
    serial number that was sent must be that of the code.
    """
    try:
        serial = read_code(picture.pixels)
    except ImageError as error:
        return replace(job, error=f"no serial number: {error}")
    if job.serial not in ("", serial) and job.source != "folder":
        words = f"two serial numbers: {job.serial} came with the picture, its code says {serial}"
        return replace(job, error=words)
    return replace(job, serial=serial)
