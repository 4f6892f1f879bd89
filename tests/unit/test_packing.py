"""What was ever packed opens: with the shipped dictionary, or as it was before there was one."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest
import zstandard

from onmaru.engines.packing import packer, unpacker

BODY = b'{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]}}'


def test_a_body_is_packed_to_less_than_half_of_what_it_takes_alone() -> None:
    packed = packer()(BODY)
    assert unpacker()(packed) == BODY
    assert len(packed) < len(zstandard.ZstdCompressor(level=3).compress(BODY)) / 2


@pytest.mark.parametrize("body", [b"", b"x", BODY], ids=["nothing", "a byte", "a resource"])
def test_bodies_of_before_there_was_a_dictionary_open(body: bytes) -> None:
    for level in (1, 3, 19):
        assert unpacker()(zstandard.ZstdCompressor(level=level, write_content_size=True).compress(body)) == body
    assert unpacker()(packer()(body)) == body


@pytest.mark.parametrize("broken", [b"", b"(\xb5/\xfd", b"not a frame", packer()(BODY)[:-3]])
def test_what_is_no_frame_is_refused(broken: bytes) -> None:
    with pytest.raises(zstandard.ZstdError):
        unpacker()(broken)


def test_the_dictionary_that_was_shipped_stays_as_it_is() -> None:
    raw = resources.files("onmaru.engines.data").joinpath("bodies.zdict").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == "b78c98c9de6394f19ce04ba9565cae096b62593aa4436142d5ba63bd0cfc10af"
