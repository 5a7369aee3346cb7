"""Image files: decode, encode, and find them in folders.

`folder.read_images` lists and checks pictures; `codec.read_image` decodes one.
"""
