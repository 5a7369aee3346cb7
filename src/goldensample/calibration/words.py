"""What rates of false alarms mean, in everyday words."""


def of_good_parts(rate: float, review_rate: float | None) -> str:
    """Return "of 100 good parts about 2 are called defects and 8 more are to be looked at again".

    Of 1,000 or 10,000, where a rate is no whole number of 100.
    """
    rates = (rate, *([review_rate] if review_rate else []))
    base = next(
        (
            b
            for b in (100, 1000)
            if all(abs(b * r - round(b * r)) < 1e-6 and b * r >= 1 for r in rates)
        ),
        10_000,
    )
    defects = base * rate
    text = f"of {base:,} good parts about {defects:.3g} "
    text += "is called a defect" if round(defects, 6) == 1 else "are called defects"
    if review_rate:
        more = base * (review_rate - rate)
        verb = "is" if round(more, 6) == 1 else "are"
        text += f" and {more:.3g} more {verb} to be looked at again"
    return text
