"""The arithmetic of limits.

`conformal` sets them with a promise; `tails` estimates where there are too few pictures for one.
"""
