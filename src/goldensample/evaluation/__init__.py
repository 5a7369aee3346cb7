"""Evaluation of an inspector on labelled pictures.

`evaluate.evaluate` returns all metrics; `metrics` and `pixel_metrics` compute them.
"""
