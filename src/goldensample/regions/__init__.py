"""Anomaly maps: from patch distances to heat map, regions and contours.

`heatmap.heat_map` upsamples distances to the picture; `contours.contours` traces a region.
"""
