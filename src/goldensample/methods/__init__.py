"""The anomaly detection methods: one paper, one file.

`registry.METHODS` lists them by name; `protocols.Method` is their interface.
"""
