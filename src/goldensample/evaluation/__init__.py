"""What labelled pictures say of an inspector.

`evaluate.evaluate` gives all figures; `metrics` and `pixel_metrics` compute them.
"""
