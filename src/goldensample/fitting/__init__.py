"""Fitting: from good pictures to an inspector.

`fit.fit` is the entry point; `plan` estimates memory and time before.
"""
