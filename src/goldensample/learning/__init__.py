"""Incremental updates of a fitted inspector, each of which can be undone.

`learn.learn` adds good pictures, `teach_miss.analyse_miss` proposes how to catch a missed defect,
`relimit.set_rates` changes the limits; `revisions` records every change.
"""
