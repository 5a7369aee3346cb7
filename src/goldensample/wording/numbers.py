"""Counts with their nouns."""


def count(value: int, noun: str) -> str:
    """Return a count with its noun.

    Example:
        >>> count(1, "picture"), count(1200, "picture")
        ('1 picture', '1,200 pictures')
    """
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"
