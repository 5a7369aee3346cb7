"""File storage: locations, atomic writes, locks and output tables.

`locations` names files on disk and at URLs; `atomic.write_atomic` replaces a file atomically.
"""
