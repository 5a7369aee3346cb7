"""What the API answers about cameras and controllers, for its OpenAPI document."""

from goldensample.station.web.answers import Strict


class ControllerView(Strict):
    """The words of a view of a part."""

    verdict: int
    error: int
    score: float


class ControllerBlock(Strict):
    """The words of a block by their names, see docs/how-to/controllers.md."""

    product: str
    heartbeat: int
    status: int
    number: int
    verdict: int
    error: int
    score: float
    limit: float
    milliseconds: int
    regions: int
    refused: int
    late: int
    version: int
    name: str
    serial: str
    job: str
    views: int
    requested: int
    result: int
    each_view: list[ControllerView]


class ControllerAnswer(Strict):
    """What controllers read now."""

    signals: dict[str, bool]
    blocks: list[ControllerBlock]


class CameraAnswer(Strict):
    """A camera that takes a picture when told to, and how often it was told, and was busy."""

    camera: str
    asked: int
    busy: int
