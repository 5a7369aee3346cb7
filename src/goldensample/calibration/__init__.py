"""Calibration of limits (thresholds) on scores of good pictures.

`conformal` guarantees a rate of false alarms; `tails` estimates it from fewer pictures.
"""
