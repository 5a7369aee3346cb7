"""Preprocessing: alignment, resizing to the network's canvas, region of interest and zones.

`preparation.Preparation` has every setting; `placement.Placement` maps a picture to the canvas.
"""
