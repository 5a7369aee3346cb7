"""The recipe of the built-in backbone: teachers, pictures, training, validation, export.

Nothing here is installed with the package; it needs the torch extra.
"""
