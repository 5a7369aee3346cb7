"""The demo's own line of parts: rendered pictures of good and damaged parts, with exact masks."""

from goldensample.demo.families import FAMILIES, Family, Part, render
from goldensample.demo.line import write_line

__all__ = ["FAMILIES", "Family", "Part", "render", "write_line"]
