"""Urls as a hierarchy, for `:above` and `:below` (R4 search 3.1.1.4.9): one lies below another by whole parts of its path.

Only urls have parts; above or below a urn lies nothing but itself.
"""

from __future__ import annotations

from collections.abc import Sequence

DEEPEST = 64
"""Slashes that a url may have of which is asked what lies above or below it."""


def trimmed(url: str) -> str:
    """Without a slash at its end, which makes no other url."""
    return url.removesuffix("/")


def lies_below(one: str, other: str) -> bool:
    """Whether a url is another one or lies below it."""
    base = trimmed(other)
    return trimmed(one) == base or ("://" in base and one.startswith(base + "/"))


def lineage(url: str) -> Sequence[str]:
    """The url and all that it lies below, outermost first."""
    whole = trimmed(url)
    scheme, found, path = whole.partition("://")
    if not found:
        return (whole,)
    parts = path.split("/")
    return [f"{scheme}://{'/'.join(parts[:end])}" for end in range(1, len(parts) + 1)]
