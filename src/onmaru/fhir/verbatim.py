"""A resource's tokens stay as they came: here the few members that the server sets are spliced in, nothing else moves.

Only id, meta.versionId, meta.lastUpdated and references that a transaction resolves are ever rewritten (law 8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from onmaru.fhir.definitions import elements, kinds
from onmaru.fhir.outcome import invalid
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.syntax import DEPTH, check_depth, has_duplicates, parse

_encode = msgspec.json.Encoder().encode
_text = msgspec.json.Decoder(str)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_HEAD = re.compile(rb'(\{"resourceType":"[A-Za-z]+")(,"id":"[^"\\]*")?')


def compact(raw: bytes, depth: int = DEPTH) -> bytes:
    """The same tokens without insignificant white space.

    Raises Invalid 400 where the bytes are not JSON in UTF-8, begin with a byte order mark, nest deeper than `depth`, or
    where any object names a member twice.
    """
    check_depth(raw, depth)
    try:
        raw.decode()
        small = msgspec.json.format(raw, indent=-1)
        repeated = has_duplicates(small)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        parse(raw, depth)
        raise invalid("structure", "The content is not JSON.") from None
    if repeated:
        raise invalid("structure", "An object gives a member more than once.")
    return small


@lru_cache(maxsize=16)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def instant(at_us: int) -> str:
    """µs since 1970 UTC as a FHIR instant with all six digits, so that nothing of it is lost."""
    second, fraction = divmod(at_us, 1_000_000)
    return f"{_second(second)}.{fraction:06d}Z"


class _Top(msgspec.Struct):
    """Empty where absent."""

    id: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()


_top = msgspec.json.Decoder(_Top)


def _meta(raw: bytes, version: int, at_us: int) -> bytes:
    """A Meta with versionId and lastUpdated set: in their places, or in front where they were absent."""
    if b'"versionId' not in raw and b'"lastUpdated' not in raw and b"\\u" not in raw:
        rest = raw[1:] if raw == b"{}" or not raw else b"," + raw[1:]
        return b'{"versionId":"%d","lastUpdated":"%s"%s' % (version, instant(at_us).encode(), rest or b"}")
    kept = {name: bytes(value) for name, value in _object.decode(raw).items()}
    ours = {"versionId": b'"%d"' % version, "lastUpdated": b'"%s"' % instant(at_us).encode()}
    new = {name: value for name, value in ours.items() if name not in kept} | kept | ours
    return b"{%s}" % b",".join(b"%s:%s" % (_encode(name), value) for name, value in new.items())


def stamp(raw: bytes, id: str, version: int, at_us: int, known: Spots | None = None) -> bytes:
    """Set id, meta.versionId and meta.lastUpdated in compact bytes that were validated; all other tokens stay identical.

    Members keep their order; id and meta come right after resourceType where they were absent. `at_us`: µs since 1970 UTC.
    `known`: what `spots` says of these bytes.
    """
    if known is not None:
        return _stamp_at(raw, known, id, version, at_us)
    head = _HEAD.match(raw)
    top = _top.decode(raw)
    old = bytes(top.meta)
    # a name token appears nowhere inside a string, where its quotes are escaped: found once, it is the outermost one
    if not head or bool(bytes(top.id)) != bool(head[2]) or (old and raw.count(b'"meta":') != 1):
        return _stamp_anywhere(raw, id, version, at_us)
    meta = _meta(old, version, at_us)
    if old:
        at = raw.index(b'"meta":') + 7
        return b'%s,"id":"%s"%s%s%s' % (head[1], id.encode(), raw[head.end() : at], meta, raw[at + len(old) :])
    return b'%s,"id":"%s","meta":%s%s' % (head[1], id.encode(), meta, raw[head.end() :])


class Spots(msgspec.Struct, frozen=True, array_like=True):
    """Where the outermost id and meta lie in compact bytes, (0, 0) for one that is absent; `after` resourceType's value."""

    id: tuple[int, int]
    meta: tuple[int, int]
    after: int


def spots(raw: bytes) -> Spots:
    """Find them once in large bytes that were validated, so that `stamp` need not read through all of them."""
    found, at, after = {"id": (0, 0), "meta": (0, 0)}, 1, 0
    for name, value in _object.decode(raw).items():
        start = raw.index(b'":', at) + 2
        at = start + len(bytes(value)) + 1
        if name in found:
            found[name] = (start, at - 1)
        elif name == "resourceType":
            after = at - 1
    return Spots(found["id"], found["meta"], after)


def _stamp_at(raw: bytes, known: Spots, id: str, version: int, at_us: int) -> bytes:
    """`stamp` where the places are known: nothing but the members that are set is looked at."""
    start, end = known.meta
    cuts = [(known.id, b'"%s"' % id.encode(), b"id"), (known.meta, _meta(raw[start:end], version, at_us), b"meta")]
    added = b"".join(b',"%s":%s' % (name, token) for place, token, name in cuts if not place[1])
    # as elsewhere meta stands behind an id that directly follows resourceType
    beside = raw.startswith(b'{"resourceType":') and raw[known.after : known.id[0]] == b',"id":'
    at = known.id[1] if beside else known.after
    changes = sorted([((at, at), added), *((place, token) for place, token, _ in cuts if place[1])])
    parts: list[bytes | memoryview] = []
    view, at = memoryview(raw), 0
    for (first, last), token in changes:
        parts += [view[at:first], token]
        at = last
    return b"".join([*parts, view[at:]])


def _stamp_anywhere(raw: bytes, id: str, version: int, at_us: int) -> bytes:
    """`stamp` for members in unusual places."""
    members = [(name, _encode(name), bytes(value)) for name, value in _object.decode(raw).items()]
    written = _names(raw)
    if written is not None:
        members = [(name, token, value) for (name, _, value), token in zip(members, written, strict=True)]
    old = {name: value for name, _, value in members}
    new = {"id": b'"%s"' % id.encode(), "meta": _meta(old.get("meta", b"{}"), version, at_us)}
    parts = []
    for name, token, value in members:
        parts.append(b"%s:%s" % (token, new.get(name, value)))
        if name == "resourceType":
            parts += [b'"%s":%s' % (n.encode(), v) for n, v in new.items() if n not in old]
    return b"{%s}" % b",".join(parts)


def _names(raw: bytes) -> list[bytes] | None:
    """The tokens of the outermost names as written; None where none is written with an escape."""
    if b"\\u" not in raw:
        return None
    names, at = [], 1
    for value in _object.decode(raw).values():
        end = raw.index(b'":', at) + 1
        names.append(raw[at:end])
        at = end + 1 + len(bytes(value)) + 1
    return names


_REFERENCE = re.compile(rb'"reference":"((?:[^"\\]|\\.)*)"')
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(:?)')
_URN = re.compile(rb'[:,\[]"urn:(?:uuid|oid):')
FEW = 64
"""Names up to which a transaction's bodies are searched name by name: messages are small, loads are not."""
_URI = frozenset({"uri", "url", "canonical", "oid", "uuid"})


@lru_cache(maxsize=1)
def _uri_members() -> frozenset[str]:
    """JSON names that hold a uri in some type and plain text in none, so that the name alone tells what the value is."""
    uris: set[str] = set()
    others: set[str] = set()
    for type_name in kinds():
        for element in elements(type_name):
            for name in element.types:
                if name in PRIMITIVES:
                    (uris if name in _URI else others).add(element.member(name))
    return frozenset(uris - others)


def relink(raw: bytes, mapping: Mapping[str, str]) -> bytes:
    """Replace references by `mapping` (fullUrl or conditional reference → what it resolved to) in compact bytes.

    Every `reference` member whose value is a key is replaced; other uri, url and canonical members only where the key is
    a urn:uuid or urn:oid (R4 http.html#trules), so that an identifier's value is never touched. Narrative stays as it is.
    """

    def put(match: re.Match[bytes]) -> bytes:
        new = mapping.get(_plain(match[1]))
        return match[0] if new is None else b'"reference":%s' % _encode(new)

    if not mapping:
        return raw
    if type(mapping) is dict and len(mapping) <= FEW and b"\\" not in raw:
        return _relink_few(raw, mapping)
    linked = _REFERENCE.sub(put, raw)
    if b"\\u00" in raw or _URN.search(linked):
        return _relink_everywhere(linked, mapping)
    return linked


def _relink_few(raw: bytes, mapping: Mapping[str, str]) -> bytes:
    """The same for few names in bytes without escapes, where a name can only stand as it is: only those met are tried."""
    met = {key: _encode(key) for key in mapping}
    met = {key: token for key, token in met.items() if token in raw}
    linked = raw
    if all(key.startswith("urn:") and mapping[key] not in met for key in met):  # so none leads to another name
        for key, token in met.items():
            linked = linked.replace(b'"reference":' + token, b'"reference":' + _encode(mapping[key]))
        if not any(token in linked for token in met.values()):
            return linked
    return _relink_everywhere(linked, mapping)


def _plain(token: bytes) -> str:
    return _text.decode(b'"%s"' % token) if b"\\" in token else token.decode()


def _relink_everywhere(raw: bytes, mapping: Mapping[str, str]) -> bytes:
    """Token by token: the last name seen is the name of a string value, in an array of strings too."""
    name = ""
    uris = _uri_members()

    def put(match: re.Match[bytes]) -> bytes:
        nonlocal name
        if match[2]:
            name = _plain(match[1])
            return match[0]
        link = name == "reference" and raw[match.start() - 1 : match.start()] == b":"
        if not link and not (name in uris and match[1].startswith(b"urn:")):
            return match[0]
        new = mapping.get(_plain(match[1]))
        return match[0] if new is None else _encode(new)

    return _STRING.sub(put, raw)


class Entry(msgspec.Struct, frozen=True):
    """One Bundle.entry; texts are "" where absent. `resource` is the entry's resource as it was written."""

    full_url: str
    method: str
    url: str
    if_none_exist: str
    if_match: str
    if_none_match: str
    resource: bytes | None


class _Request(msgspec.Struct, rename="camel", frozen=True):
    method: str = ""
    url: str = ""
    if_none_exist: str = ""
    if_match: str = ""
    if_none_match: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    request: _Request = _Request()
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    type: str = ""
    entry: list[_Entry] = []


_bundle = msgspec.json.Decoder(_Bundle)


def entries(raw: bytes) -> tuple[str, list[Entry]]:
    """(Bundle.type, its entries) without looking into the resources: validate with `structure.admit(…, deep=False)` first.

    Raises Invalid 400 where the bytes are no Bundle.
    """
    try:
        bundle = _bundle.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("structure", "The content is not a Bundle.", "Bundle") from None
    found = []
    for one in bundle.entry:
        r = one.request
        resource = bytes(one.resource) or None
        found.append(Entry(one.full_url, r.method, r.url, r.if_none_exist, r.if_match, r.if_none_match, resource))
    return bundle.type, found
