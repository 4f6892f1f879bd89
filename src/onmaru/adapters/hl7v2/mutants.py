"""Broken v2 messages for testing: deterministic mutants of given messages, as bad lines and bad senders make them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from onmaru.adapters.hl7v2 import emit, er7, mapping
from onmaru.adapters.hl7v2.refused import Refused

_BITS = (
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b'""',
    b"\x00",
    b"\xff",
    b"\xb0\xa1",
    b"MSH",
    b"\\X",
    b"\\.br\\",
    b"9" * 40,
)

_HUGE = (b"A", b"~", b"^", b"&", b"\\F\\", b"~1^2&3", b"\rNTE|1||x")
_CODECS = ("cp949", "latin-1", "utf-16", "utf-7")


def mutants(messages: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` messages, each one of `messages` with one to eight bytes, fields or segments cut, doubled, replaced,
    repeated without end, put into another character set, or shuffled."""
    chance = random.Random(seed)  # noqa: S311 - repeatable test input, not a secret
    for _ in range(count):
        data = bytearray(chance.choice(messages))
        for _ in range(chance.randint(1, 8)):
            _mutate(data, chance)
        yield bytes(data)


def _mutate(data: bytearray, chance: random.Random) -> None:
    if not data:
        return
    at = chance.randrange(len(data))
    end = min(len(data), at + chance.choice((1, 3, 20, 200)))
    kind = chance.randrange(400)
    act = _RARE[kind] if kind < len(_RARE) else _OFTEN[kind % len(_OFTEN)]
    act(data, at, end, chance)


def _cut(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    del data[at:end]


def _insert(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[at:at] = chance.choice(_BITS)


def _replace(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[at] = chance.randrange(256)


def _double(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[at:at] = data[at:end]


def _swell(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[at:at] = chance.choice(_HUGE) * chance.choice((50, 1_000, 10_000))


def _recode(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[:] = bytes(data).decode("utf-8", "replace").encode(chance.choice(_CODECS), "replace")


def _repeat(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    data[at:at] = data[at:end] * chance.choice((20, 200))


def _shuffle(data: bytearray, at: int, end: int, chance: random.Random) -> None:
    lines = bytes(data).replace(b"\n", b"\r").split(b"\r")
    chance.shuffle(lines)
    data[:] = b"\r".join(lines)


_OFTEN = (_cut, _insert, _replace, _double)
_RARE = (_swell, _recode, _repeat, _repeat, *[_shuffle] * 12, *[_recode] * 4)


def survive(data: bytes) -> bool:
    """Read, map and emit one message; True when it was taken, False when it was refused. Anything else is a defect."""
    try:
        for piece in er7.split(data) or [data]:
            mapped = mapping.resources(er7.parse(piece))
            emit.Emitter([*mapped.nodes, mapped.provenance], "0").drafts()
    except Refused:
        return False
    return True
