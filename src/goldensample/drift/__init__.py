"""Has the scene changed?

`measures.measure` describes a picture; `martingale.watch` tells when a stream has changed.
"""
