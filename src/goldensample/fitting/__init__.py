"""Good pictures to an inspector.

`fit.fit` is the whole of it; `plan` says beforehand what it takes.
"""
