"""The Python API: what the commands do, with defaults for every choice.

`fit` makes and measures inspectors, `change` changes them, `write` writes models and reports.
"""
