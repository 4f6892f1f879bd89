"""XML Patch: RFC 5261's operations on a resource's XML form, strict, and bounded."""

from __future__ import annotations

import time
from typing import Any

import pytest

from onmaru.fhir import xml_patch
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import Invalid

PATIENT = (
    b'{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">'
    b'<b>x</b></div>"},"extension":[{"url":"urn:x","valueDecimal":1.50}],"active":true,'
    b'"name":[{"use":"official","family":"Kim","given":["On","Ma"]},{"use":"old","text":"x"}],"birthDate":"1970-01-02"}'
)
HEAD = '<diff xmlns="http://hl7.org/fhir" xmlns:f="http://hl7.org/fhir">'


def made(operations: str, head: str = HEAD, resource: bytes = PATIENT) -> Any:
    return xml_patch.patched(resource, xml_patch.operations(f"{head}{operations}</diff>".encode()))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ('<replace sel="f:Patient/f:birthDate/@value">1971</replace>', {"birthDate": "1971"}),
        ('<replace sel="/Patient/birthDate/@value">1971</replace>', {"birthDate": "1971"}),
        ('<remove sel="*/active"/>', {"active": None}),
        ('<add sel="Patient"><gender value="male"/></add>', {"gender": "male"}),
        ('<add sel="Patient/birthDate" pos="before"><gender value="male"/></add>', {"gender": "male"}),
        ('<remove sel="Patient/name[2]"/>', {"name": [{"use": "official", "family": "Kim", "given": ["On", "Ma"]}]}),
        ("<remove sel=\"Patient/name[use/@value='official']\"/>", {"name": [{"use": "old", "text": "x"}]}),
        ('<replace sel="Patient/name[2]"><name><text value="y"/></name></replace><remove sel="Patient/name[1]"/>',
         {"name": [{"text": "y"}]}),
        ('<add sel="Patient/name[1]/given[1]" pos="after"><given value="Ru"/></add><remove sel="Patient/name[2]"/>',
         {"name": [{"use": "official", "family": "Kim", "given": ["On", "Ru", "Ma"]}]}),
        ('<add sel="Patient/name[2]" pos="prepend"><family value="Lee"/></add><remove sel="Patient/name[1]"/>',
         {"name": [{"use": "old", "text": "x", "family": "Lee"}]}),
        ('<add sel="Patient/birthDate" type="@id">b</add>', {"_birthDate": {"id": "b"}}),
        ('<replace sel="Patient/text/h:div" ><div xmlns="http://www.w3.org/1999/xhtml"><i>y</i></div></replace>',
         {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><i>y</i></div>'}}),
        ("<replace sel=\"Patient/extension[@url='urn:x']/valueDecimal/@value\">2.500</replace>",
         {"extension": [{"url": "urn:x", "valueDecimal": read(b"2.500")}]}),
    ],
)  # fmt: skip
def test_an_operation_does_what_it_says_and_leaves_the_rest(operations: str, expected: dict[str, Any]) -> None:
    head = HEAD.replace(">", ' xmlns:h="http://www.w3.org/1999/xhtml">')
    whole = {name: value for name, value in {**read(PATIENT), **expected}.items() if value is not None}
    found = made(operations, head)
    assert found == whole and sorted(encode(found)) == sorted(encode(whole))


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ('<remove sel="Patient/name"/>', 422),
        ('<remove sel="Patient/deceasedBoolean"/>', 422),
        ('<remove sel="Patient"/>', 422),
        ('<add sel="Patient"/>', 422),
        ('<add sel="Patient/active" type="@value">false</add>', 422),
        ('<replace sel="Patient/name[1]"/>', 422),
        ('<replace sel="Patient/active/@id">x</replace>', 422),
        ('<add sel="Patient" pos="after"><gender value="male"/></add>', 422),
        ('<remove sel="x:Patient"/>', 400),
        ('<remove sel="Patient//name"/>', 400),
        ('<remove sel="Patient/name[last()]"/>', 400),
        ('<remove sel="Patient/name[position()&lt;9]"/>', 400),
        ("<remove sel=\"document('file:///etc/passwd')\"/>", 400),
        ('<remove sel="Patient/name[1"/>', 400),
        ('<remove sel=""/>', 400),
        ('<remove sel="' + "a/" * 600 + 'b"/>', 400),
        ('<remove sel="Patient/active" pos="before"/>', 400),
        ('<add sel="Patient" pos="inside"><gender value="male"/></add>', 400),
        ('<add sel="Patient" type="namespace::x">urn:x</add>', 400),
        ('<add sel="Patient">text</add>', 400),
        ('<add sel="Patient"><x xmlns="urn:x"/></add>', 400),
        ("<move/>", 400),
        ("", 400),
        ('<remove sel="Patient/active"/>' * 101, 413),
    ],
)
def test_what_does_not_fit_or_is_no_patch_is_refused(operations: str, status: int) -> None:
    with pytest.raises(Invalid) as refused:
        made(operations)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<diff",
        b'<!DOCTYPE d [<!ENTITY a "x">]><diff><remove sel="&a;"/></diff>',
        b'<other xmlns="http://hl7.org/fhir"><remove sel="Patient/active"/></other>',
        b'<diff><remove sel="Patient/active"/></diff>',
        b'<diff xmlns:f="urn:x"><remove xmlns:f="http://hl7.org/fhir" sel="f:Patient/f:active"/></diff>',
    ],
)
def test_what_is_no_diff_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        xml_patch.operations(raw)
    assert refused.value.status == 400


def test_the_selectors_of_a_patch_share_one_budget() -> None:
    names = b",".join(b'{"use":"old","given":["%d"]}' % number for number in range(1_200))
    large = PATIENT.replace(b'{"use":"old","text":"x"}', names)
    begun = time.perf_counter()
    with pytest.raises(Invalid) as refused:
        made("<replace sel=\"Patient/name/given[@value='2']/@value\">2</replace>" * 100, resource=large)
    assert refused.value.status == 413 and time.perf_counter() - begun < 5
