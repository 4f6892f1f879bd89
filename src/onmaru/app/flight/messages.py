"""The few messages of Flight SQL that are spoken here, as Protocol Buffers on the wire.

Source: apache/arrow, format/FlightSql.proto. Fields that are not known here are skipped, as the format asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from onmaru.fhir.outcome import Invalid, invalid

PACKAGE = "type.googleapis.com/arrow.flight.protocol.sql."
QUERY, PREPARED, TICKET = "CommandStatementQuery", "CommandPreparedStatementQuery", "TicketStatementQuery"
CATALOGS, SCHEMAS, TABLES = "CommandGetCatalogs", "CommandGetDbSchemas", "CommandGetTables"
TYPES, INFO = "CommandGetTableTypes", "CommandGetSqlInfo"
PREPARE, CLOSE, RESULT = "CreatePreparedStatement", "ClosePreparedStatement", "ActionCreatePreparedStatementResult"
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_LONGEST = 10


class Message(NamedTuple):
    """A message by its name without the package; `fields`: the values of each field number, in their order."""

    name: str
    fields: Mapping[int, list[bytes | int]]

    def text(self, number: int) -> str | None:
        """A field of text; None where it is not there. `Invalid` 400 for what is no text."""
        found = self.fields.get(number)
        return None if not found else _text(found[-1])

    def texts(self, number: int) -> list[str]:
        """A field of texts."""
        return [_text(one) for one in self.fields.get(number, ())]

    def flag(self, number: int) -> bool:
        """A field that is true or false."""
        return bool((self.fields.get(number) or [0])[-1])


def _text(value: bytes | int) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else _broken()
    except UnicodeDecodeError:
        return _broken()


def _broken() -> str:
    raise _refused()


def _refused() -> Invalid:
    return invalid("structure", "is no message of Flight SQL")


def opened(raw: bytes) -> Message:
    """What a command, a ticket or an action's body holds: a message within `google.protobuf.Any`. `Invalid` 400."""
    outer = Message("Any", _fields(raw))
    url, value = outer.text(1) or "", (outer.fields.get(2) or [b""])[-1]
    if not url.startswith(PACKAGE) or not isinstance(value, bytes):
        raise _refused()
    return Message(url.removeprefix(PACKAGE), _fields(value))


def packed(name: str, fields: Mapping[int, bytes]) -> bytes:
    """A message of fields of bytes, within `google.protobuf.Any`."""
    value = b"".join(_field(number, one) for number, one in fields.items())
    return _field(1, (PACKAGE + name).encode()) + _field(2, value)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _fields(raw: bytes) -> dict[int, list[bytes | int]]:
    found: dict[int, list[bytes | int]] = {}
    for number, value in _each(raw):
        found.setdefault(number, []).append(value)
    return found


def _each(raw: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(raw):
        key, at = _number(raw, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _number(raw, at)
            yield key >> 3, value
            continue
        if kind == _LENGTH:
            size, at = _number(raw, at)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise _refused()
        if at + size > len(raw):
            raise _refused()
        yield key >> 3, raw[at : at + size]
        at += size


def numbers(raw: bytes) -> list[int]:
    """Numbers that were packed into one field."""
    found, at = [], 0
    while at < len(raw):
        one, at = _number(raw, at)
        found.append(one)
    return found


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """The varint at a place, and where it ends."""
    value = 0
    for place in range(_LONGEST):
        if at + place >= len(raw):
            break
        byte = raw[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise _refused()
