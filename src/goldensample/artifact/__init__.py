"""The `.golden` file.

`store.save` and `store.load` are for all others; `container` knows the bytes.
"""
