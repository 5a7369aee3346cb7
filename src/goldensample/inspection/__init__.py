"""Inspection: picture in, verdict and heat map out.

`inspector.Inspector` is the entry point; `streams` runs it over many pictures; `journal` holds the
revisions of a fitted inspector.
"""
