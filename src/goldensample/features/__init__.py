"""Feature maps to patches, and where they are kept.

`extraction.extract` runs the network on prepared pictures; `patches` makes patches of its levels.
"""
