"""Feature extraction, patches, and the feature store.

`extraction.extract` runs the network on prepared pictures; `patches` makes patches of its levels.
"""
