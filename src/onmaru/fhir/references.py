"""Everything that a stored body refers to, searchable or not: in extensions, contained resources, attachments and entries.

Its one law: how a reference is written (relative, absolute, of one version, with escapes) makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from onmaru.fhir.search.values import RELATIVE

_LITERAL = re.compile(rb'"(?:reference|url)":"([^"]*)"')
_WITHIN = re.compile(r"https?://[^?#]+/([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?)")
_MEMBERS = ("reference", "url", "fullUrl")
_HOLDING = ("Bundle", "Parameters")


def targets(body: bytes, type: str) -> list[tuple[str, str]]:
    """(type, id) of each resource that a compact body names, once each and in order.

    An absolute RESTful url counts as the resource of this server that it ends in, since nothing tells whose server it is.
    A Bundle also names the resources that it holds.
    """
    if b"\\" in body or type in _HOLDING:
        texts = _walked(msgspec.json.decode(body))
    else:
        texts = (found.decode() for found in _LITERAL.findall(body))
    return list(dict.fromkeys(name for text in texts if (name := _name(text)) is not None))


@lru_cache(maxsize=65_536)
def _name(text: str) -> tuple[str, str] | None:
    found = RELATIVE.fullmatch(text)
    if found is None:
        absolute = _WITHIN.fullmatch(text)
        found = RELATIVE.fullmatch(absolute[1]) if absolute is not None else None
    return (found[1], found[2]) if found is not None else None


def _walked(value: Any, *, held: bool = False) -> Iterator[str]:
    """Every reference and url below a JSON value, and the names of resources that are `held`: what is contained has none."""
    if isinstance(value, list):
        for one in value:
            yield from _walked(one, held=held)
    elif isinstance(value, dict):
        if held:
            yield f"{value.get('resourceType')}/{value.get('id')}"
        for member, inner in value.items():
            if isinstance(inner, str) and member in _MEMBERS:
                yield inner
            yield from _walked(inner, held=member == "resource")
