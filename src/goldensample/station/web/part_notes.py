"""Notes on parts of several views, in the language in use: what is stored is English."""

from goldensample.locales.language import gettext, mark
from goldensample.station.records.parts import INTERRUPTED
from goldensample.wording import notes

CHANGED = mark(
    "changed since the part's limits were set, so their rate is not known: view %(views)s; run "
    "golden part calibrate and start the station anew"
)
SENTENCES = (
    mark("view %(name)s missing"),
    mark("several pictures of view %(name)s"),
    mark("views of several serial numbers: %(serials)s"),
    mark("view %(name)s: %(reason)s"),
)
"""What the note of a part may say, with "; " between sentences."""


def told_of_part(note: str) -> str:
    """Return a part's note, or that of a view that is not there, in the language in use.

    Of reasons that come from a camera, a file or a code, what is not known stays English.
    """
    if found := notes.pattern_of(CHANGED).fullmatch(note):
        return gettext(CHANGED) % found.groupdict()
    return "; ".join(map(_sentence, note.split("; ")))


def _sentence(text: str) -> str:
    """Return a sentence in the language in use; as `notes.told` has it where it is of no part."""
    for known in SENTENCES:
        if found := notes.pattern_of(known).fullmatch(text):
            places = found.groupdict()
            return gettext(known) % {k: notes.told(v) for k, v in places.items()}
    return gettext(INTERRUPTED) if text == INTERRUPTED else notes.told(text)
