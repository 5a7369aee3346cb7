"""Drift detection: has the scene changed?

`measures.measure` describes a picture; `martingale.watch` detects a change point of a stream.
"""
