"""Pure: the packets of MQTT 5 (OASIS, 2019) that a client of QoS 1 sends and hears. Its law: what is malformed raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14
# Reason codes from here on say no (2.4)
FAILED = 0x80
# Of a PUBACK (3.4.2.1)
NOT_AUTHORIZED = 0x87
# The largest number that a variable byte integer holds (1.5.5)
LARGEST = 268_435_455
SESSION_EXPIRY, RECEIVE_MAXIMUM, PACKET_MAXIMUM = 0x11, 0x21, 0x27
# How long the value of each property is (2.2.2.2): bytes, or V a variable byte integer, B bytes with their length, P a pair
KINDS: Mapping[int, int | str] = {
    0x01: 1, 0x02: 4, 0x03: "B", 0x08: "B", 0x09: "B", 0x0B: "V", 0x11: 4, 0x12: "B", 0x13: 2, 0x15: "B", 0x16: "B",
    0x17: 1, 0x18: 4, 0x19: 1, 0x1A: "B", 0x1C: "B", 0x1F: "B", 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x26: "P",
    0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip


class Malformed(Exception):
    """The other side does not speak MQTT 5."""


class Packet(NamedTuple):
    """`kind` and `flags` of the fixed header (2.1), `body` what follows it."""

    kind: int
    flags: int
    body: bytes


class Published(NamedTuple):
    """A PUBLISH (3.3); `number` is 0 at QoS 0."""

    topic: str
    number: int
    payload: bytes


class Buffer:
    """Bytes as they come, and the whole packets in them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Take bytes and give what is whole; a packet longer than `most` is malformed."""
        held = self._held + data if self._held else data
        at = 0
        while (head := _header(held, at)) is not None:
            length, start = head
            if length > self._most:
                raise Malformed("a packet is longer than can be taken")
            if len(held) < start + length:
                break
            first = held[at]
            at = start + length
            yield Packet(first >> 4, first & 15, held[start:at])
        self._held = held[at:]


def _header(held: bytes, at: int) -> tuple[int, int] | None:
    """Length and start of the body; None while the header is not whole (2.1.4)."""
    length = 0
    for place in range(4):
        if len(held) <= at + 1 + place:
            return None
        byte = held[at + 1 + place]
        length |= (byte & 127) << (7 * place)
        if byte < 128:
            return length, at + 2 + place
    raise Malformed("a length has more than four bytes")


# -- what is sent ----------------------------------------------------------------------------------------------------


def packet(kind: int, flags: int, body: bytes = b"") -> bytes:
    """A packet with its fixed header."""
    return bytes((kind << 4 | flags,)) + number(len(body)) + body


def connect(client: str, alive: int, session: int, under_way: int, login: tuple[str, str] | None) -> bytes:
    """CONNECT (3.1) that goes on with a session. `alive`: seconds between signs of life; `session`: seconds for which the
    broker keeps it; `under_way`: messages that may be unacknowledged; `login`: name and password.
    """
    properties = bytes((SESSION_EXPIRY,)) + session.to_bytes(4, "big")
    properties += bytes((RECEIVE_MAXIMUM,)) + under_way.to_bytes(2, "big")
    flags = 0xC0 if login else 0
    head = text("MQTT") + bytes((5, flags)) + alive.to_bytes(2, "big") + number(len(properties)) + properties
    return packet(CONNECT, 0, head + text(client) + b"".join(text(one) for one in login or ()))


def subscribe(topic: str, id: int) -> bytes:
    """SUBSCRIBE (3.8) at QoS 1 to one topic filter."""
    return packet(SUBSCRIBE, 2, id.to_bytes(2, "big") + b"\0" + text(topic) + b"\1")


def publish(topic: bytes, id: int, payload: bytes, *, again: bool = False) -> bytes:
    """PUBLISH (3.3) at QoS 1; `topic` as `text` gives it."""
    return packet(PUBLISH, 10 if again else 2, topic + id.to_bytes(2, "big") + b"\0" + payload)


def puback(id: int, reason: int = 0) -> bytes:
    """PUBACK (3.4): success, or one of its reason codes (3.4.2.1), after which the message is not sent again (4.4)."""
    number = id.to_bytes(2, "big")
    return b"\x40\x03" + number + reason.to_bytes(1, "big") if reason else b"\x40\x02" + number


def text(one: str) -> bytes:
    """A string with its length (1.5.4)."""
    raw = one.encode()
    if len(raw) > 65_535:
        raise ValueError("a name of MQTT is longer than 65,535 bytes")
    return len(raw).to_bytes(2, "big") + raw


def number(value: int) -> bytes:
    """A variable byte integer (1.5.5)."""
    if value > LARGEST:
        raise ValueError("a message is longer than MQTT can carry")
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


# -- what is heard ---------------------------------------------------------------------------------------------------


def connected(body: bytes) -> tuple[int, Mapping[int, int]]:
    """Reason code and number-valued properties of a CONNACK (3.2)."""
    if len(body) < 2:
        raise Malformed("CONNACK is cut off")
    return body[1], _properties(body, 2)[0] if len(body) > 2 else {}


def published(flags: int, body: bytes) -> Published:
    """A PUBLISH (3.3); no alias of a topic was offered, so the topic stands in it."""
    topic, at = _bytes(body, 0)
    id = 0
    if flags & 6:
        id, at = _int(body, at, 2)
    if body[at : at + 1] == b"\0":
        at += 1
    else:
        _, at = _properties(body, at)
    try:
        return Published(topic.decode(), id, body[at:])
    except UnicodeDecodeError:
        raise Malformed("a topic is no UTF-8") from None


def acknowledged(body: bytes) -> tuple[int, int]:
    """Packet number and reason code of a PUBACK (3.4)."""
    id, at = _int(body, 0, 2)
    return id, body[at] if len(body) > at else 0


def subscribed(body: bytes) -> int:
    """The reason code of a SUBACK to one topic filter (3.9)."""
    _, at = _int(body, 0, 2)
    _, at = _properties(body, at)
    return _int(body, at, 1)[0]


def _properties(body: bytes, at: int) -> tuple[Mapping[int, int], int]:
    """Properties whose value is a number, and where what follows them begins (2.2.2)."""
    length, at = _varying(body, at)
    end = at + length
    if end > len(body):
        raise Malformed("properties are cut off")
    found: dict[int, int] = {}
    while at < end:
        name = body[at]
        kind = KINDS.get(name)
        if kind is None:
            raise Malformed("an unknown property")
        if isinstance(kind, int):
            found[name], at = _int(body, at + 1, kind)
        elif kind == "V":
            found[name], at = _varying(body, at + 1)
        else:
            _, at = _bytes(body, at + 1)
            at = _bytes(body, at)[1] if kind == "P" else at
    return found, end


def _int(body: bytes, at: int, size: int) -> tuple[int, int]:
    if len(body) < at + size:
        raise Malformed("a number is cut off")
    return int.from_bytes(body[at : at + size], "big"), at + size


def _varying(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(4):
        byte, at = _int(body, at, 1)
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at
    raise Malformed("a number has more than four bytes")


def _bytes(body: bytes, at: int) -> tuple[bytes, int]:
    length, at = _int(body, at, 2)
    if len(body) < at + length:
        raise Malformed("a text is cut off")
    return body[at : at + length], at + length
