"""The station's state in the text format of Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from goldensample.station.health.health import disk, line_health
from goldensample.station.records.rows import Filter
from goldensample.station.station import Station


def exposition(station: Station) -> bytes:
    """Return counts since the start, and how the station is now."""
    now = CollectorRegistry()
    now.register(_Now(station))
    return generate_latest(station.metrics.registry) + generate_latest(now)


class _Now(Collector):
    """Reads the station when it is collected."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing beforehand, so that registering reads nothing."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give all gauges."""
        yield from _line(self._station)
        yield from _disk(self._station)
        yield from _connections(self._station)
        yield from _products(self._station)


def _line(station: Station) -> Iterator[GaugeMetricFamily]:
    line = line_health(station)
    yield GaugeMetricFamily("golden_up_seconds", "Since the start", line["up_s"])
    yield GaugeMetricFamily("golden_waiting", "Pictures accepted and not answered", line["waiting"])
    yield GaugeMetricFamily("golden_waiting_limit", "As many at most", line["waiting_limit"])
    yield GaugeMetricFamily("golden_late", "Parts answered as late since the start", line["late"])
    troubles = _gauge("golden_file_trouble", "Whether a product's file cannot be read", "product")
    for product in station.products:
        troubles.add_metric([product.key], float(product.key in line["troubles"]))
    yield troubles


def _disk(station: Station) -> Iterator[GaugeMetricFamily]:
    usage = disk(station)
    for name, words in (
        ("pictures", "Kept pictures and heat maps"),
        ("limit", "As many bytes of them at most"),
        ("free", "Free on the disk"),
        ("total", "Of the disk"),
    ):
        yield GaugeMetricFamily(f"golden_disk_{name}_bytes", words, usage[f"{name}_bytes"])


def _connections(station: Station) -> Iterator[GaugeMetricFamily]:
    """Give the state of each camera, folder, controller and receiver."""
    labels = ("kind", "name")
    trouble = _gauge("golden_connection_trouble", "Whether a connection is in trouble", *labels)
    waiting = _gauge("golden_connection_waiting", "What waits to pass a connection", *labels)
    lost = _gauge("golden_connection_lost", "What was dropped since the start", *labels)
    failed = _gauge("golden_connection_failed", "What a receiver refused for good", *labels)
    for state in station.connection_states():
        where = [state.kind, state.name]
        trouble.add_metric(where, float(state.state == "trouble"))
        for gauge, value in ((waiting, state.waiting), (lost, state.lost), (failed, state.failed)):
            gauge.add_metric(where, value)
    yield from (trouble, waiting, lost, failed)
    busy = _gauge("golden_camera_busy", "Triggers that found a camera busy", "camera")
    for camera, count in station.triggers.counts().items():
        busy.add_metric([camera], count.busy)
    yield busy


def _products(station: Station) -> Iterator[GaugeMetricFamily]:
    last = _gauge("golden_last_record_timestamp_seconds", "Time of the newest record", "product")
    inbox = _gauge("golden_inbox", "Pictures that nobody has answered", "product")
    scene = _gauge("golden_scene_changed", "Whether light, focus or place have changed", "product")
    revision = _gauge("golden_revision", "Revision of the product's file", "product")
    for product in station.products:
        for record in station.ledger.find(Filter(product=product.key), 1):
            last.add_metric([product.key], record.time)
        inbox.add_metric([product.key], station.ledger.count_unanswered(product.key))
        alarm = station.scene.status(product)["alarm"]
        scene.add_metric([product.key], float(alarm is not None))
        revision.add_metric([product.key], product.state.revision)
    yield from (last, inbox, scene, revision)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)
