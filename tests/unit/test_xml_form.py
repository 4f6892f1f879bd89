"""FHIR XML to its JSON form: the same elements, values and extensions, and nothing that XML could smuggle in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from onmaru.fhir import structure
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.xml_form import to_json

HEAD = '<Patient xmlns="http://hl7.org/fhir">'


def test_values_attributes_and_extensions_find_their_places() -> None:
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>{HEAD}<id value="p1"/>
      <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">김 <b>온마</b></div></text>
      <contained><Organization><id value="o1"/><name value="병원"/></Organization></contained>
      <extension url="urn:n"><valueDecimal value="72.50"/></extension>
      <active value="true"/>
      <name id="n1"><given value="온"/><given><extension url="urn:e"><valueString value="x"/></extension></given></name>
      <birthDate value="1974-12-25"><extension url="urn:t"><valueInteger value="3"/></extension></birthDate>
      <multipleBirthInteger value="2"/></Patient>"""
    found = to_json(xml.encode())
    assert encode(found["extension"]) == b'[{"url":"urn:n","valueDecimal":72.50}]'
    assert found["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml">김 <b>온마</b></div>'
    assert found["contained"] == [{"resourceType": "Organization", "id": "o1", "name": "병원"}]
    assert found["active"] is True and found["multipleBirthInteger"] == 2
    assert found["name"] == [
        {"id": "n1", "given": ["온", None], "_given": [None, {"extension": [{"url": "urn:e", "valueString": "x"}]}]}
    ]
    assert found["_birthDate"] == {"extension": [{"url": "urn:t", "valueInteger": 3}]}
    structure.decode(encode(found))


BAD = [
    b"",
    b"<",
    b"<Patient/>",
    b'<Nonsense xmlns="http://hl7.org/fhir"/>',
    b'<!DOCTYPE p [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>',
    f'{HEAD}<nonsense value="1"/></Patient>'.encode(),
    f'{HEAD}<active value="maybe"/></Patient>'.encode(),
    f'{HEAD}<x:y xmlns:x="urn:x"/></Patient>'.encode(),
    f"{HEAD}<contained/></Patient>".encode(),
    f'{HEAD}<multipleBirthInteger value="2x"/></Patient>'.encode(),
    HEAD.encode() + b'<extension url="a">' * 100 + b"</extension>" * 100 + b"</Patient>",
    '<Patient xmlns="http://hl7.org/fhir"/>'.encode("utf-16"),
    b'<div xmlns="http://www.w3.org/1999/xhtml"/>',
    *(
        f'<?xml version="1.0" encoding="{name}"?>{HEAD}</Patient>'.encode()
        for name in ("foo", "utf-7", "idna", "cp949")
    ),
    f'{HEAD}<gender value="male"/><gender value="female"/></Patient>'.encode(),
    f'{HEAD}<gender><extension url="a"/></gender><gender value="male"/></Patient>'.encode(),
    f"{HEAD}<name><family>Kim</family></name></Patient>".encode(),
    f'{HEAD}<name><family valeu="Kim"/></name></Patient>'.encode(),
    f'{HEAD}<name value="Kim"/></Patient>'.encode(),
    f'{HEAD[:-1]} id="p"></Patient>'.encode(),
    f'{HEAD}<multipleBirthInteger value="1_2"/></Patient>'.encode(),
    f'{HEAD}<multipleBirthInteger value="１"/></Patient>'.encode(),
    f'{HEAD}<multipleBirthInteger value="{"9" * 40}"/></Patient>'.encode(),
    f'{HEAD}<extension url="a"><valueDecimal value="NaN"/></extension></Patient>'.encode(),
    f'{HEAD}<extension url="a"><valueDecimal value=" 1_0"/></extension></Patient>'.encode(),
    f'{HEAD}<text><p xmlns="http://www.w3.org/1999/xhtml">a</p></text></Patient>'.encode(),
]


@pytest.mark.parametrize("raw", BAD)
def test_what_is_no_fhir_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        to_json(raw)
    assert caught.value.status == 400


@pytest.mark.parametrize("div", ['<div{} title="a>b"/>', "<div{}>/></div>", "<div{}><br/></div>", "<div{}></div>"])
def test_a_narrative_keeps_its_source_to_its_own_end(div: str) -> None:
    markup = div.format(' xmlns="http://www.w3.org/1999/xhtml"')
    found = to_json(f'{HEAD}<text><status value="empty"/>{markup}</text></Patient>'.encode())
    assert found["text"]["div"] == markup


def test_attributes_of_other_namespaces_say_nothing_of_the_resource() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"'
    assert to_json(f"{HEAD[:-1]} {xsi}/>".encode()) == {"resourceType": "Patient"}


def test_examples_in_both_forms_say_the_same(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("fhirpath") / "input"
    pairs = [(one, one.with_suffix(".json")) for one in folder.glob("*.xml") if one.with_suffix(".json").exists()]
    assert pairs
    for xml, json in pairs:
        there, here = to_json(xml.read_bytes()), read(json.read_bytes())
        for each in (there, here):
            each.pop("text", None)  # the narrative's white space differs
        if xml.stem != "observation-example":  # its XML has an extension that its JSON has not
            assert there == here, xml.name


def test_every_xml_example_decodes_strictly(shared_data: Callable[[str], Path]) -> None:
    for xml in (shared_data("fhirpath") / "input").glob("*.xml"):
        assert structure.decode(msgspec.json.format(encode(to_json(xml.read_bytes())), indent=-1)) is not None
