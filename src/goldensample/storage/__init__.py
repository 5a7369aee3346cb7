"""Where bytes lie and how they are written.

`locations` names files here and behind URLs; `atomic.write_atomic` writes whole or not at all.
"""
