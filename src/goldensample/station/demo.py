"""Demo of `golden serve --demo`: renders parts, fits one product, inspects test pictures."""

from pathlib import Path

from goldensample.artifact.store import save
from goldensample.artifact.thumbnails import add_thumbnails
from goldensample.demo import write_dataset
from goldensample.fitting.fit import fit
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import read_images
from goldensample.records import Notify
from goldensample.station.line.jobs import Job
from goldensample.station.records.rows import Filter
from goldensample.station.station import Station

FITTED_PRODUCT, UNFITTED_PRODUCT = "cap", "washer"
"""The product in service, and the one that is left to be set up."""
FITTED_COUNT, UNFITTED_COUNT, TEST_COUNTS = 60, 42, (4, 1)
"""Rendered parts: good ones to fit each product; good ones and of each defect to test."""
FALSE_ALARMS, REVIEW = 0.05, 0.2


def prepare(folder: Path, notify: Notify) -> Path:
    """Render the demo's parts and fit the product, unless an earlier start did.

    Args:
        folder: of the station.
        notify: called with the progress.

    Returns:
        The folder of pictures, from which Set up can choose.
    """
    pictures, product = folder / "demo", folder / "products" / f"{FITTED_PRODUCT}.golden"
    if not (pictures / UNFITTED_PRODUCT / "test").exists():
        write_dataset(pictures, [FITTED_PRODUCT], FITTED_COUNT, *TEST_COUNTS, notify)
        write_dataset(pictures, [UNFITTED_PRODUCT], UNFITTED_COUNT, *TEST_COUNTS, notify)
    if not product.exists():
        good = read_images(pictures / FITTED_PRODUCT / "train" / "good", notify=notify)
        inspector = fit(
            good,
            backbone=open_backbone(),
            false_alarms=FALSE_ALARMS,
            review=REVIEW,
            calibration="split",
            notify=notify,
        )
        save(add_thumbnails(inspector, good, notify), product)
    return pictures


def inspect_demo(station: Station) -> None:
    """Inspect the demo's test pictures once, if the demo was prepared."""
    product, pictures = station.products.get(FITTED_PRODUCT), station.settings.folder / "demo"
    if product is None or not pictures.exists():
        return
    if station.ledger.find(Filter(product=FITTED_PRODUCT), 1):
        return
    for path in sorted((pictures / FITTED_PRODUCT / "test").glob("*/*.png")):
        incoming = station.archive.receive_bytes(path.read_bytes())
        name = path.relative_to(pictures).as_posix()
        station.line.submit(Job(product, incoming, name, "folder")).result()
