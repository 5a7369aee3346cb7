"""The whole: picture in, verdict out.

`inspector.Inspector` is the one object that others use; `streams` runs it over many pictures.
"""
