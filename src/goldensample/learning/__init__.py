"""Changes after the fit, each of which can be undone.

`learn.learn` adds good pictures; `revisions` keeps what was changed.
"""
