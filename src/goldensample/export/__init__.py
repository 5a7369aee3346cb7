"""Models for other programs, checked beside the inspector.

`export.export` writes one; `parity` compares.
"""
