"""Code that is compiled when the package is built, and its loader."""
