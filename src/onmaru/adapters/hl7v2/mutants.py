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


def mutants(messages: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` messages, each one of `messages` with one to eight bytes, fields or segments cut, doubled or replaced."""
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
    kind = chance.randrange(5)
    if kind == 0:
        del data[at:end]
    elif kind == 1:
        data[at:at] = chance.choice(_BITS)
    elif kind == 2:
        data[at] = chance.randrange(256)
    elif kind == 3:
        data[at:at] = data[at:end]
    else:
        lines = bytes(data).replace(b"\n", b"\r").split(b"\r")
        chance.shuffle(lines)
        data[:] = b"\r".join(lines)


def survive(data: bytes) -> bool:
    """Read, map and emit one message; True when it was taken, False when it was refused. Anything else is a defect."""
    try:
        for piece in er7.split(data) or [data]:
            mapped = mapping.resources(er7.parse(piece))
            emit.Emitter([*mapped.nodes, mapped.provenance], "0").drafts()
    except Refused:
        return False
    return True
