"""Bundles put together from stored bytes: a resource in an answer is never parsed and written anew."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec


def link(relation: str, address: str, pairs: Sequence[tuple[str, str]]) -> bytes:
    """One Bundle.link; `pairs` become the query part."""
    url = f"{address}?{urlencode(pairs, quote_via=quote, safe=':|,$')}" if pairs else address
    return b'{"relation":"' + relation.encode() + b'","url":' + msgspec.json.encode(url) + b"}"


def bundle(kind: str, entries: Sequence[bytes], links: Sequence[bytes], total: int | None) -> bytes:
    """A Bundle of type `kind`; `total` None leaves it out, as no entries leave out the list."""
    head = '{"resourceType":"Bundle","type":"' + kind + ('"' if total is None else f'","total":{total}')
    parts = [head.encode(), b',"link":[', b",".join(links), b"]"]
    if entries:
        parts += [b',"entry":[', b",".join(entries), b"]"]
    parts.append(b"}")
    return b"".join(parts)
