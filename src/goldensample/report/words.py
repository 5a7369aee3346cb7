"""Formatting of text and numbers for HTML; untrusted text goes through `escape`."""

import html
import re

from goldensample.locales.language import gettext


def escape(value: str) -> str:
    """Return `value` escaped for HTML text and quoted attributes.

    A file name may hold bytes that are no UTF-8 (lone surrogates in Python); they are written
    as `\\udcff`.

    Example:
        >>> escape('<b> "x"')
        '&lt;b&gt; &quot;x&quot;'
    """
    return html.escape(value.encode("utf-8", "backslashreplace").decode("utf-8"), quote=True)


def number(value: float) -> str:
    """Return a number with four significant digits; integers from ten thousand on.

    Example:
        >>> number(2.34567), number(12345.6)
        ('2.346', '12,346')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share as a percentage, two or three significant digits, with a non-breaking space.

    Example:
        >>> percent(0.0625)
        '6.25\\xa0%'
    """
    return f"{100 * share:.{3 if share >= 0.01 else 2}g}\u00a0%"


def fraction(part: int, whole: int) -> str:
    """Return `part` of `whole` with its percentage.

    Example:
        >>> fraction(1, 20)
        '1 of 20 (5\\xa0%)'
    """
    if not whole:
        return gettext("none")
    values = {"part": f"{part:,}", "whole": f"{whole:,}", "share": percent(part / whole)}
    return gettext("%(part)s of %(whole)s (%(share)s)") % values


def plain(fragment: str) -> str:
    """Return the text of an HTML fragment of this package, without tags and collapsed details.

    Example:
        >>> plain("<p>score <b>2</b><span>as <i>x</i></span><details>2.01</details></p>")
        'score 2; as x'
    """
    text = re.sub(r"<details>.*?</details>|</?(?!span)\w+[^>]*>|</\w+>", "", fragment)
    return html.unescape(re.sub(r"<\w+[^>]*>", "; ", text)).strip()
