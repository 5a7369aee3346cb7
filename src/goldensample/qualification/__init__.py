"""Qualification: what an inspection finds, what it costs, and how sure that is, on one paper.

`paper.qualify` makes the paper of `trials`; `rates`, `detection`, `agreement`, `repeatability` and
`control` compute; `page`, `pdf` and `sheet` write it.
"""
