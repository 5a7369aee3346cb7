"""Where a camera's frames come from: a stream, a device, a video file, or a GenICam camera."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from goldensample.station.inputs.frame import FrameSource
from goldensample.station.inputs.frames import Stream
from goldensample.station.inputs.genicam import GenicamCamera
from goldensample.station.inputs.genicam_address import SCHEME, parse_genicam


@dataclass(frozen=True, slots=True)
class CameraSource:
    """Where frames come from.

    Args:
        url: source that FFmpeg opens (rtsp://, http://, a device such as /dev/video0, or a file);
            or a GenICam camera, see `genicam_address`.
        name: for people; empty for the URL without password and query.
        options: of FFmpeg, by name.
        producers: files of drivers of GenICam cameras; none for those that are installed.
        view: which view of a part it shows, whose cameras are triggered together; or "".
    """

    url: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    producers: Sequence[Path] = ()
    view: str = ""

    @property
    def shown_name(self) -> str:
        """Its name, or its address without what is secret."""
        parts = urlsplit(self.url)
        address = f"{parts.hostname or ''}{parts.path}" if parts.hostname else self.url
        if self.url.startswith(SCHEME):
            address = self.url.partition("?")[0]
        return self.name or (Path(self.url).name if Path(self.url).is_file() else address)

    @property
    def is_file(self) -> bool:
        """Whether it is a video file, all of whose frames are judged."""
        return Path(self.url).is_file()

    @property
    def has_line(self) -> bool:
        """Whether a signal at the camera itself starts each frame."""
        return self.url.startswith(SCHEME) and parse_genicam(self.url).has_line

    def open(self, every_s: float, stop: threading.Event) -> FrameSource:
        """Return its frames; nothing is opened yet.

        Raises:
            ValueError: the address is invalid, or a library is not installed.
        """
        if self.url.startswith(SCHEME):
            return GenicamCamera(self.url, every_s, stop, self.producers)
        return Stream(self.url, every_s, stop, self.options)
