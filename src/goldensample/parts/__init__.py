"""Parts of several views: one verdict from several pictures, with a promise for the part.

`rule` has the arithmetic, `PartInspector` in `inspector` the way from pictures to a part's verdict.
"""
