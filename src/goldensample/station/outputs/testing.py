"""Tests of outputs: a message that is no part's verdict, to see whether a receiver gets it."""

from pathlib import Path

from goldensample.station.line.jobs import TEST, Job, make_error_record
from goldensample.station.products.products import Product
from goldensample.station.records.archive import IncomingFile
from goldensample.station.records.rows import Record
from goldensample.station.station import Station

CONTROLLERS = ("modbus", "s7", "opcua")
"""Outputs that show the image of controllers."""


def send_test(station: Station, kind: str, operator: str) -> int:
    """Send a test to the outputs of a kind; return how many there are.

    Args:
        station: whose outputs.
        kind: as in `ConnectionState`.
        operator: who asks for it.

    Raises:
        ValueError: no product is in service.
    """
    outputs = [output for output in station.outputs if output.state().kind == kind]
    product = next(iter(station.products), None)
    if product is None:
        raise ValueError("a test must name a product; none is in service; set one up first")
    record = make_test_record(product, operator)
    if outputs and kind in CONTROLLERS:
        station.image.answer(record)
    for output in outputs:
        output.test(record)
    return len(outputs)


def make_test_record(product: Product, operator: str) -> Record:
    """Return a record that is no part's: an error with the number 0, which is not stored."""
    job = Job(product, IncomingFile(Path(), "", 0), "test", "page", operator)
    return make_error_record(job, product.state, f"{TEST}no part, sent by {operator or 'somebody'}")
