"""Distances to heat map, regions and contours.

`heatmap.heat_map` draws distances over the picture; `contours.contours` outlines a region.
"""
