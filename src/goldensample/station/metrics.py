"""Counts of what the station has judged since its start, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from goldensample.station.records.parts import PartRecord
from goldensample.station.records.rows import Record

BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts, from any thread; `registry` has them all."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("product", "verdict")
        self._pictures = Counter(
            "golden_pictures", "Pictures judged, by verdict", labels, registry=self.registry
        )
        self._parts = Counter(
            "golden_parts", "Parts of several views, by verdict", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "golden_answer_seconds",
            "From a picture's arrival to its stored record",
            ("product",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def add(self, record: Record) -> None:
        """Count a picture."""
        self._pictures.labels(record.product, record.verdict or "none").inc()
        self._seconds.labels(record.product).observe(record.milliseconds / 1000)

    def add_part(self, part: PartRecord) -> None:
        """Count a part of several views."""
        self._parts.labels(part.product, part.verdict or "none").inc()
