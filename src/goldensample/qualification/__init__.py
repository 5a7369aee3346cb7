"""Qualification: what an inspection finds, what it costs, and how sure that is, on one paper.

`rates`, `detection`, `agreement`, `repeatability` and `control` compute; `paper` puts it together.
"""
