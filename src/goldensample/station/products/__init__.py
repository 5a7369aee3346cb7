"""The products that a station inspects.

`products.Products` loads and changes their files; `limits.preview` compares candidate limits.
"""
