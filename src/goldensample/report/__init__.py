"""The report: one HTML page with every picture, which opens from disk without a network."""

from goldensample.report.overview import overview
from goldensample.report.page import Report

__all__ = ["Report", "overview"]
