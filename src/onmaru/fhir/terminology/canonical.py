"""Canonicals, `url` or `url|version`, and which of two versions is the newer (references.html#canonical)."""

from __future__ import annotations

import re

_PIECES = re.compile(r"[0-9]+|[^0-9.\-_/ ]+")


def parted(canonical: str) -> tuple[str, str]:
    """(url, version) of a canonical; the version is "" where none is named."""
    url, _, version = canonical.partition("|")
    return url, version


def joined(url: str, version: str) -> str:
    """The canonical of a url and a version, if there is one."""
    return f"{url}|{version}" if version else url


def age(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts versions, the newest last: numbers by value, words before numbers, no version before any."""
    pieces = _PIECES.findall(version)
    return tuple((1, int(one), "") if one.isdecimal() else (0, 0, one) for one in pieces)


def fits(asked: str, version: str) -> bool:
    """Whether a version is the one asked for, or an edition of it as SNOMED CT names them (`…/version/DATE` left out)."""
    return not asked or asked == version or version.startswith(f"{asked}/version/")
