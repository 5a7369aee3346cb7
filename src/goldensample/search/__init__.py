"""Nearest neighbours among the rows of a bank.

`exact.NearestSearch` gives the true ones; `approximate` says so by name.
"""
