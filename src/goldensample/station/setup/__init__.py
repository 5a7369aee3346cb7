"""A new product from pictures that were dropped on a page.

`setup.SettingUp` runs it; `drafts` holds what was given so far.
"""
