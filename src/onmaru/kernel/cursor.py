"""Paging tokens: opaque, pinned to the position the search began at. They carry no values of a resource."""

from __future__ import annotations

import base64
import binascii

import msgspec

from onmaru.fhir.outcome import invalid


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """`t`: the pinned position. `after`: the last position shown. `offset`: how many matches were shown before.

    `began`: when the first page was asked for, µs since 1970 UTC.
    """

    t: int
    after: int
    offset: int = 0
    began: int = 0


def write(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def read(text: str, head: int) -> Cursor:
    """Raise Invalid when the token is not one of ours or lies beyond the head."""
    try:
        cursor = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise invalid("value", "not a paging token of this server", "_cursor") from error
    if not 0 <= cursor.t <= head or cursor.after < 0 or cursor.offset < 0:
        raise invalid("value", "paging token out of range", "_cursor")
    return cursor
