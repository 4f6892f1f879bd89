"""The sets in a resource's meta: profiles, tags and security labels added and taken away, every other token left alone.

A tag or label is its system and code, a profile its url (R4 operations Resource-meta-add and -delete).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid

SETS = ("profile", "security", "tag")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
Raws = list[bytes]


class _Coding(msgspec.Struct):
    system: str = ""
    code: str = ""


class _Meta(msgspec.Struct):
    meta: msgspec.Raw = msgspec.Raw(b"{}")


def of(body: bytes) -> bytes:
    """The meta of a sound resource, `{}` where it has none."""
    return bytes(msgspec.json.decode(body, type=_Meta).meta)


def sets(meta: Mapping[str, Any]) -> dict[str, Raws]:
    """The sets of a decoded Meta, each element as JSON."""
    return {name: [_encode(one) for one in meta.get(name) or ()] for name in SETS}


def added(body: bytes, more: Mapping[str, Raws]) -> bytes:
    """A compact resource whose sets also hold `more`; what is there already stays as it is."""

    def union(name: str, held: Raws) -> Raws:
        known = {_identity(name, one) for one in held}
        fresh = {_identity(name, one): one for one in more.get(name, ())}
        return [*held, *(one for identity, one in fresh.items() if identity not in known)]

    return _changed(body, union)


def removed(body: bytes, less: Mapping[str, Raws]) -> bytes:
    """A compact resource whose sets hold nothing of `less`."""

    def left(name: str, held: Raws) -> Raws:
        going = {_identity(name, one) for one in less.get(name, ())}
        return [one for one in held if _identity(name, one) not in going]

    return _changed(body, left)


class Together:
    """The profiles, labels and tags of many, each once; `Invalid` 413 beyond `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[str, dict[tuple[str, str], bytes]] = {name: {} for name in SETS}

    def add(self, meta: bytes) -> None:
        """Take in one resource's meta."""
        for name, raw in _object(meta).items():
            for element in _list(raw) if name in self._found else ():
                self._found[name].setdefault(_identity(name, bytes(element)), bytes(element))
        if sum(map(len, self._found.values())) > self._most:
            raise invalid("too-costly", f"over {self._most} profiles, tags and labels: ask for one type", status=413)

    def told(self) -> bytes:
        """One Meta, each set in order."""
        lists = {name: [each[one] for one in sorted(each)] for name, each in self._found.items() if each}
        return _joined({name: b"[%s]" % b",".join(listed) for name, listed in lists.items()})


def held(body: bytes, name: str) -> set[tuple[str, str]]:
    """What the set `name` of a resource holds, by identity."""
    found = _object(of(body)).get(name)
    return {_identity(name, bytes(one)) for one in _list(found)} if found else set()


def _changed(body: bytes, change: Callable[[str, Raws], Raws]) -> bytes:
    members = {name: bytes(value) for name, value in _object(body).items()}
    meta = {name: bytes(value) for name, value in _object(members.get("meta", b"{}")).items()}
    for name in SETS:
        before = [bytes(one) for one in _list(meta.get(name, b"[]"))]
        after = change(name, before)
        if after == before:
            continue
        if after:
            meta[name] = b"[%s]" % b",".join(after)
        else:
            del meta[name]
    if meta or "meta" in members:
        members["meta"] = _joined(meta)
    return _joined({name: value for name, value in members.items() if value != b"{}"})


def _identity(name: str, raw: bytes) -> tuple[str, str]:
    if name == "profile":
        return "", msgspec.json.decode(raw, type=str)
    coding = msgspec.json.decode(raw, type=_Coding)
    return coding.system, coding.code


def _joined(members: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (_encode(name), value) for name, value in members.items())
