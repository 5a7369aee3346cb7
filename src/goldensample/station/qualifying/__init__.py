"""Qualifications of products: made in the background, one at a time, and kept."""
