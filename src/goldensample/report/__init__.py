"""HTML report: a self-contained page with every picture, its heat map and its regions."""

from goldensample.report.overview import overview
from goldensample.report.page import Report

__all__ = ["Report", "overview"]
