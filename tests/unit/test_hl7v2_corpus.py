"""Public messages that nobody here wrote: each becomes valid R4 or is refused as its folder says; the rest is listed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from onmaru.adapters.hl7v2 import emit, er7, mapping
from onmaru.adapters.hl7v2.refused import Refused
from onmaru.fhir import structure
from onmaru.fhir.profiles.library import core
from onmaru.fhir.profiles.validator import validated

ENCODER = msgspec.json.Encoder(decimal_format="number")
REFUSED = {
    "edge-empty-segments.hl7": ("AE", "101"),
    "invalid-missing-msh.hl7": ("AR", "100"),
    "invalid-segment-header-length.hl7": ("AE", "100"),
    "invalid-wrong-version.hl7": ("AR", "203"),
}


@pytest.fixture(scope="module")
def messages(shared_data: Callable[[str], Path]) -> list[tuple[str, bytes]]:
    return list(_messages(shared_data("hl7v2")))


def _messages(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.glob("*/*.hl7")):
        for piece in er7.split(file.read_bytes()):
            yield file.name, piece


def test_the_corpus_is_taken_and_refused_as_its_folders_say(messages: list[tuple[str, bytes]]) -> None:
    refused = {}
    for name, piece in messages:
        try:
            mapping.resources(er7.parse(piece))
        except Refused as error:
            refused[name] = (error.ack, error.code)
    assert refused == REFUSED


def test_every_resource_of_the_corpus_is_valid_r4(messages: list[tuple[str, bytes]]) -> None:
    for name, piece in messages:
        if name in REFUSED:
            continue
        mapped = mapping.resources(er7.parse(piece))
        for draft in emit.Emitter(mapped.nodes, hashlib.sha256(piece).hexdigest()).drafts():
            structure.decode(ENCODER.encode(draft.data), draft.type)


def test_every_resource_of_the_corpus_holds_the_rules_of_r4(messages: list[tuple[str, bytes]]) -> None:
    broken = set()
    for name, piece in messages:
        if name in REFUSED:
            continue
        mapped = mapping.resources(er7.parse(piece))
        for draft in emit.Emitter(mapped.nodes, hashlib.sha256(piece).hexdigest()).drafts():
            for issue in validated(ENCODER.encode(draft.data), core()):
                # The senders name languages by codes of three letters, which R4's value set has not
                if issue.severity in ("error", "fatal") and not issue.expression.endswith(".language"):
                    broken.add(f"{name} {issue.expression}: {issue.text}")
    assert broken == set()


def test_only_z_segments_reach_no_resource(messages: list[tuple[str, bytes]]) -> None:
    lost = set()
    for name, piece in messages:
        if name not in REFUSED:
            lost |= {field.segment for field in mapping.resources(er7.parse(piece)).lost}
    assert all(segment.startswith("Z") for segment in lost)


def test_44_of_78_follow_their_own_message_table(shared_data: Callable[[str], Path]) -> None:
    followed = []
    for file in sorted((shared_data("hl7v2") / "ms-fhir-converter").glob("*.hl7")):
        followed += [mapping.resources(er7.parse(piece)).structure for piece in er7.split(file.read_bytes())]
    assert len(followed) == 78
    assert sum(table != "*" for table in followed) == 44
