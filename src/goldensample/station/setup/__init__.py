"""Set up: a new product from pictures that were dropped on a page.

`setup.ProductSetup` runs the fits, `fit_process` in a subprocess; `drafts.Draft` holds pictures
and metadata.
"""
