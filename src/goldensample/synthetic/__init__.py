"""Synthetic defects: drawn into pictures of good parts, with exact masks.

`defects.paste_defect` changes a picture; `plan` crosses kinds, sizes, contrasts and places;
`fields` has noise and distances, for the demo, too.
"""
