"""R4's own code systems, value sets and concept maps (`tools/build_terminology.py`), each read when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec
import zstandard

from onmaru.fhir.terminology.concept_map import ConceptMap
from onmaru.fhir.terminology.listed import CodeSystem
from onmaru.fhir.terminology.value_set import ValueSet


class Shipped(msgspec.Struct):
    """Canonical → the packed definition."""

    code_systems: dict[str, msgspec.Raw]
    value_sets: dict[str, msgspec.Raw]
    concept_maps: dict[str, msgspec.Raw]


@cache
def shipped() -> Shipped:
    """All of them, unpacked once."""
    packed = resources.files("onmaru.fhir.data").joinpath("terminology.zst").read_bytes()
    return msgspec.msgpack.decode(zstandard.decompress(packed), type=Shipped)


code_system = msgspec.msgpack.Decoder(CodeSystem).decode
value_set = msgspec.msgpack.Decoder(ValueSet).decode
concept_map = msgspec.msgpack.Decoder(ConceptMap).decode
