"""Demo data set: rendered pictures of good and defective parts, with exact masks."""

from goldensample.demo.families import FAMILIES, LOGICAL, Family, Part, render
from goldensample.demo.line import write_dataset

__all__ = ["FAMILIES", "LOGICAL", "Family", "Part", "render", "write_dataset"]
