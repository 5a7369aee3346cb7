"""What rates of false alarms mean, in everyday words."""

from goldensample.locales.language import ngettext


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
    more = base * (review_rate - rate) if review_rate else 0.0
    text = ngettext(
        "of %(base)s good parts about %(num)s is called a defect",
        "of %(base)s good parts about %(num)s are called defects",
        _number(defects),
    ) % {"base": f"{base:,}", "num": f"{defects:.3g}"}
    if not review_rate:
        return text
    return ngettext(
        "%(defects)s and %(num)s more is to be looked at again",
        "%(defects)s and %(num)s more are to be looked at again",
        _number(more),
    ) % {"defects": text, "num": f"{more:.3g}"}


def _number(value: float) -> int:
    """Return a count for the choice between one and many: 1 for 1 alone."""
    return 1 if round(value, 6) == 1 else 2
