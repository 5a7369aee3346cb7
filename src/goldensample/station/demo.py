"""The first start: `golden serve --demo` renders parts, learns one product, inspects some."""

from pathlib import Path

from goldensample.artifact.store import save
from goldensample.artifact.thumbnails import with_thumbnails
from goldensample.demo import write_line
from goldensample.fitting.fit import fit
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import read_images
from goldensample.records import Notify
from goldensample.station.line.jobs import Job
from goldensample.station.records.rows import Filter
from goldensample.station.station import Station

PRODUCT, OTHER = "cap", "washer"
"""What is in service, and what waits to be set up."""
GOOD, OTHERS, TESTED = 60, 42, (4, 1)
"""Parts rendered: to learn from, of each product, and good and of each defect to test with."""
RATE, REVIEW = 0.05, 0.2


def prepare(folder: Path, notify: Notify) -> Path:
    """Render the demo's parts and learn the product, unless an earlier start did.

    Args:
        folder: of the station.
        notify: told of the work.

    Returns:
        The folder of pictures, for Set up to choose from.
    """
    pictures, product = folder / "demo", folder / "products" / f"{PRODUCT}.golden"
    if not (pictures / OTHER / "test").exists():
        write_line(pictures, [PRODUCT], GOOD, *TESTED, notify)
        write_line(pictures, [OTHER], OTHERS, *TESTED, notify)
    if not product.exists():
        good = read_images(pictures / PRODUCT / "train" / "good", notify=notify)
        inspector = fit(
            good,
            backbone=open_backbone(),
            false_alarms=RATE,
            review=REVIEW,
            calibration="split",
            notify=notify,
        )
        save(with_thumbnails(inspector, good, notify), product)
    return pictures


def inspect_some(station: Station) -> None:
    """Inspect the demo's test pictures once, if it is here, so that the first page shows some."""
    product, pictures = station.products.get(PRODUCT), station.settings.folder / "demo"
    if product is None or not pictures.exists():
        return
    if station.ledger.find(Filter(product=PRODUCT), 1):
        return
    for path in sorted((pictures / PRODUCT / "test").glob("*/*.png")):
        coming = station.archive.take(path.read_bytes())
        name = path.relative_to(pictures).as_posix()
        station.line.submit(Job(product, coming, name, "folder")).result()
