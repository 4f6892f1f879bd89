"""How a stored body is compressed: with a dictionary of the forms of resources, which names nobody and stays for ever.

Its one law: what was ever packed opens, with a dictionary or, as before there was one, without.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources

import zstandard

LEVEL = 3
# In a frame's fifth byte: how many bytes the dictionary's number has, 0 where there is none (RFC 8878, 3.1.1.1.1)
_NAMED = 3
Turn = Callable[[bytes], bytes]


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    raw = resources.files("onmaru.engines.data").joinpath("bodies.zdict").read_bytes()
    made = zstandard.ZstdCompressionDict(raw)
    made.precompute_compress(level=LEVEL)
    return made


def packer() -> Turn:
    """What packs bodies, for one thread at a time."""
    return zstandard.ZstdCompressor(dict_data=_dictionary(), write_content_size=True).compress


def unpacker() -> Turn:
    """What opens packed bodies, for one thread at a time; raises `zstandard.ZstdError`."""
    plain = zstandard.ZstdDecompressor().decompress
    known = zstandard.ZstdDecompressor(dict_data=_dictionary()).decompress

    def unpack(packed: bytes) -> bytes:
        return known(packed) if packed[4:5] and packed[4] & _NAMED else plain(packed)

    return unpack
