"""What may be done to the bytes of a body on their way: cut, turned, packed, and packed so that little becomes very much."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Sequence
from functools import cache

from onmaru.app.prove.fuzzing.hostile import MARK, NAME


def _flipped(chance: random.Random, body: bytes) -> bytes:
    made = bytearray(body or b"{}")
    for _ in range(chance.choice((1, 3, 30))):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def _bomb(chance: random.Random, body: bytes) -> bytes:
    """A few KiB that would be a hundred MiB."""
    del chance
    return _large() + body[:0]


@cache
def _large() -> bytes:
    """Made when it is first thrown: it takes a second, and whoever lists the proofs throws nothing."""
    return gzip.compress(b'{"resourceType":"Patient","name":[{"text":"' + b" " * (96 << 20) + b'"}]}', 9)


Packer = Callable[[random.Random, bytes], bytes]
# What may be done to the bytes of a body, and what is then said of them
PACKED: Sequence[tuple[str, Packer]] = (
    ("gzip", lambda chance, body: gzip.compress(body, 1)),
    ("gzip", lambda chance, body: gzip.compress(body, 1)[: chance.randrange(20)]),
    ("gzip", lambda chance, body: gzip.compress(body, 1) * 2),
    ("gzip", lambda chance, body: body),
    ("gzip", _bomb),
    ("deflate", lambda chance, body: zlib.compress(body)),
    ("gzip, gzip", lambda chance, body: gzip.compress(gzip.compress(body))),
    ("br", lambda chance, body: body),
    (MARK, lambda chance, body: body),
    ("", lambda chance, body: body),
)
BYTES: Sequence[Packer] = (
    _flipped,
    lambda chance, body: body[: chance.randrange(len(body) + 1)],
    lambda chance, body: b"\xef\xbb\xbf" + body,
    lambda chance, body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda chance, body: body + body,
    lambda chance, body: body + b"\x00" * chance.choice((1, 1000)),
    lambda chance, body: b" " * 100_000 + body,
    lambda chance, body: body.replace(b":", b":\xff\xfe", 1),
    lambda chance, body: chance.randbytes(chance.choice((1, 100, 5000))),
    lambda chance, body: b"[" * 20_000,
    lambda chance, body: b'{"a":' * 5_000,
    lambda chance, body: b"",
    lambda chance, body: b"null",
    lambda chance, body: b'"' + NAME.encode() + b'"',
    lambda chance, body: (
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><Patient xmlns='http://hl7.org/fhir'>&a;</Patient>"
    ),
    lambda chance, body: b"<" + b"a>" * 3000,
)
