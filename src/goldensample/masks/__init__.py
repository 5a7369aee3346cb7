"""Mask files: read for regions of interest and zones, written for defect regions.

`reading` holds the rule of what is marked, `roi_files.read_mask` reads a mask or polygons;
`annotations.Annotations` writes masks and COCO.
"""
