"""The methods: one paper, one file.

`registry.METHODS` has them by name; `protocols.Method` is what each promises.
"""
