"""The `.golden` file.

`store.save` and `store.load` write and read one; `container` is its byte format; `sharded` loads
one whose bank is larger than memory.
"""
