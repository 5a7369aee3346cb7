"""Synthetic defects: drawn into pictures of good parts, with exact masks.

`defects.paste_defect` changes a picture; `fields` has noise and distances, for the demo, too.
"""
