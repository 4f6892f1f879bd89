"""Bundles put together from stored bytes: a resource in an answer is never parsed and written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from onmaru.kernel.log import Version

_PLAIN = re.compile(r"[A-Za-z0-9_.:|,$/\-]*")


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """The query part of a link, in ASCII and without a character that JSON would escape."""
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in pairs])


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text, safe=":|,$/")


def link(relation: str, address: str, query: str) -> bytes:
    """One Bundle.link."""
    return f'{{"relation":"{relation}","url":"{address}{"?" if query else ""}{query}"}}'.encode()


def bundle(kind: str, entries: Sequence[bytes], links: Sequence[bytes], total: int | None) -> bytes:
    """A Bundle of type `kind`; `total` None leaves it out, as no entries leave out the list."""
    head = f'{{"resourceType":"Bundle","type":"{kind}"' + ("" if total is None else f',"total":{total}')
    parts = [head.encode(), b',"link":[', b",".join(links), b"]"]
    if entries:
        parts += [b',"entry":[', b",".join(entries), b"]"]
    parts.append(b"}")
    return b"".join(parts)


def found(base: str, versions: Sequence[Version], bodies: Sequence[bytes], mode: str) -> list[bytes]:
    """Entries of a searchset: one for each version, with the body that its answer shows."""
    ending = f',"search":{{"mode":"{mode}"}}}}'.encode()
    return [
        b'{"fullUrl":"%b","resource":%b%b' % (f"{base}/{one.type}/{one.id}".encode(), body, ending)
        for one, body in zip(versions, bodies, strict=True)
    ]
