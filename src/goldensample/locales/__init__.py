"""Languages: what people read in words of their own, from GNU gettext catalogs."""
