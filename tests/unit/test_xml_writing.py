"""JSON to FHIR XML and back: nothing is lost, and nothing that a text holds becomes markup."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.xml_form import to_json
from onmaru.fhir.xml_writing import to_xml

encode = msgspec.json.Encoder(decimal_format="number").encode


def tokens(raw: bytes) -> object:
    return json.loads(raw, parse_float=str, parse_int=str)


def test_every_example_is_the_same_after_xml(shared_data: Callable[[str], Path]) -> None:
    # All of them where it is a proof; otherwise some of nearly every type
    files = sorted(shared_data("fhir-r4-examples").glob("*.json*"))[:: 1 if os.environ.get("ONMARU_PROVE") else 6]
    assert files
    for number, path in enumerate(files):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        there = to_xml(raw, pretty=bool(number % 2))
        ElementTree.fromstring(there)
        assert tokens(encode(to_json(there))) == tokens(raw), path.name


def test_what_a_text_holds_stays_text() -> None:
    nasty = "<b>&amp;\"'\t\n\r 김"
    raw = encode({"resourceType": "Patient", "id": "a", "name": [{"family": nasty}], "_active": {"id": '"><x'}})
    assert to_json(to_xml(raw)) == json.loads(raw)
    assert b"<b>" not in to_xml(raw)


def test_the_order_is_the_definitions_and_digits_are_kept() -> None:
    raw = b'{"valueQuantity":{"unit":"x","value":72.50},"status":"final","resourceType":"Observation","id":"o"}'
    found = to_xml(raw).decode()
    assert found.index("<id ") < found.index("<status ") < found.index("<valueQuantity>") < found.index('value="72.50"')
    assert found.index('value="72.50"') < found.index("<unit ")


@pytest.mark.parametrize("raw", [b"{}", b'{"resourceType":"Nonsense"}'])
def test_what_is_no_resource_has_no_xml_form(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        to_xml(raw)
    assert caught.value.status == 406
