"""Broken messages are taken or refused, never a crash; what is taken is valid R4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onmaru.adapters.hl7v2 import emit, er7, mapping
from onmaru.adapters.hl7v2.mutants import mutants, survive
from onmaru.adapters.hl7v2.refused import Refused
from onmaru.fhir import structure

ENCODER = msgspec.json.Encoder(decimal_format="number")
OWN = [
    b"MSH|^~\\&|A|F|R|F|20260301||ADT^A01|1|P|2.5\rPID|1||7^^^F^MR||D^J||1980|M\rPV1|1|I|W^1^2||||3^X^Y\rAL1|1|DA|P|MO|R\r",
    b"MSH|^~\\&|A|F|R|F|20260301||ORU^R01|1|P|2.5\rPID|1||7^^^F^MR\rORC|RE|1|2\rOBR|1|1|2|G^H^LN|||2026\r"
    b"OBX|1|NM|G^H^LN||1.0|mg||H|||F\rOBX|2|SN|G||^1^-^2\rOBX|3|ED|G||^AP^PDF^Base64^QQ==\rNTE|1||x\r",
    b"MSH|^~\\&|A|F|R|F|20260301||RDE^O11|1|P|2.5\rPID|1||7^^^F^MR\rORC|NW|1\rTQ1|1||BID\rRXE||D^E^F|1||mg\rRXR|PO\r",
]


@pytest.mark.parametrize("seed", range(4))
def test_500_mutants_are_taken_or_refused(seed: int) -> None:
    assert sum(survive(data) for data in mutants(OWN, 500, seed)) > 0


def test_what_is_taken_of_a_mutant_is_valid_r4() -> None:
    for data in mutants(OWN, 150, 99):
        try:
            mapped = mapping.resources(er7.parse(data))
        except Refused:
            continue
        for draft in emit.Emitter(mapped.nodes, "0").drafts():
            structure.decode(ENCODER.encode(draft.data), draft.type)


def test_mutants_of_public_messages_are_taken_or_refused(shared_data: Callable[[str], Path]) -> None:
    messages = [file.read_bytes() for file in sorted(shared_data("hl7v2").glob("*/*.hl7"))]
    for data in mutants(messages, 100, 7):
        survive(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    survive(data)
    survive(b"MSH|^~\\&|A|F|R|F|20260301||ADT^A01|1|P|2.5\r" + data)
