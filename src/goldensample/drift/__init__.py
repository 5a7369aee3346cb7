"""Drift detection: has the scene changed?

`picture.measure` describes a picture; `martingale.watch` detects a change point of a stream.
"""
