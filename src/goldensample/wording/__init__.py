"""Texts and JSON that command line and station share.

`limits.promise` describes what a threshold guarantees; `regions.regions_json` serialises regions.
"""
