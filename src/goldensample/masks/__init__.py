"""Mask files: read for regions of interest and zones, written for defect regions.

`roi_files.read_mask` reads one; `annotations.Annotations` writes masks and COCO.
"""
