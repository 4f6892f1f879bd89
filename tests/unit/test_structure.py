"""What decoding takes and refuses, case by case, and what the classes that come out look like."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onmaru.fhir import definitions, primitives
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.structure import RESOURCE_TYPES, admit, decode, elements, stored, struct
from onmaru.fhir.validation import REPEATED

ROOT = Path(__file__).resolve().parents[2]
PATIENT = '{"resourceType":"Patient",%s}'
OBSERVATION = '{"resourceType":"Observation","status":"final","code":{"text":"x"},%s}'
DIV = '<div xmlns=\\"http://www.w3.org/1999/xhtml\\">%s</div>'
TEXT = PATIENT % '"text":{"status":"empty","div":"%s"}'


def test_all_resource_types_of_r4_have_a_class_whose_attributes_are_json_names() -> None:
    assert len(RESOURCE_TYPES) == 146
    assert {"Patient", "Observation", "Bundle", "Parameters", "Binary"} < RESOURCE_TYPES
    assert not {"Resource", "DomainResource", "Extension"} & RESOURCE_TYPES
    assert struct("Patient") is struct("Patient")
    one = decode(
        b'{"resourceType":"Encounter","status":"planned","class":{"code":"AMB"},"_language":{"id":"a"},"language":"ko",'
        b'"contained":[{"resourceType":"Basic","code":{"text":"x"}}]}'
    )
    assert isinstance(one, struct("Encounter"))
    assert (one.class_.code, one.language__.id, one.period) == ("AMB", "a", None)
    assert bytes(one.contained[0]) == b'{"resourceType":"Basic","code":{"text":"x"}}'
    with pytest.raises(KeyError):
        struct("Nothing")


def test_elements_tell_types_cardinality_and_flags() -> None:
    found = {element.name: element for element in elements("Observation")}
    assert (found["status"].min, found["status"].max, found["status"].types) == (1, 1, ("code",))
    assert found["value"].choice
    assert found["value"].label == "value[x]"
    assert found["value"].member("CodeableConcept") == "valueCodeableConcept"
    assert found["component"].types == ("Observation.component",)
    assert (found["status"].summary, found["status"].modifier, found["note"].summary) == (True, True, False)
    assert {e.name: e.types for e in elements("Observation.component")}["referenceRange"] == (
        "Observation.referenceRange",
    )


DECEASED = "Patient.deceasedBoolean invariant;.deceasedDateTime invariant"
SLOT = '"contained":[{"resourceType":"Slot","schedule":{"display":"x"},"status":"free"}]'
NESTED = '"contained":[{"resourceType":"Basic","code":{"text":"x"},"contained":[]}]'
REFUSED = [
    ("{}", "Resource.resourceType required"),
    ("[]", "Resource structure"),
    ('{"resourceType":"Patients"}', "Resource.resourceType value"),
    (PATIENT % '"foo":1', "Patient.foo structure"),
    (PATIENT % '"foo bar\\n`":1', "Patient.`foo bar` structure"),
    (PATIENT % '"name":{"family":"x"}', "Patient.name structure"),
    (PATIENT % '"gender":["male"]', "Patient.gender structure"),
    (PATIENT % '"contact":[{"name":{"family":1}}]', "Patient.contact[0].name.family structure"),
    (PATIENT % '"active":"true"', "Patient.active structure"),
    (PATIENT % '"active":null', "Patient.active structure"),
    (PATIENT % '"name":[null]', "Patient.name[0] structure"),
    (PATIENT % '"name":[]', "Patient.name structure"),
    (PATIENT % '"name":[{}]', "Patient.name[0] invariant"),
    (PATIENT % '"name":[{"id":"a"}]', "Patient.name[0] invariant"),
    (PATIENT % '"name":[{"family":""}]', "Patient.name[0].family value"),
    (PATIENT % '"name":[{"family":"a\\u0007"}]', "Patient.name[0].family value"),
    (PATIENT % '"name":[{"family":"\\ud800"}]', "Patient.name[0].family value"),
    (PATIENT % '"id":"a","active":true,"id":"a"', "Patient.id structure"),
    (PATIENT % '"name":[{"family":"a","f\\u0061mily":"b"}]', "Patient.name[0].family structure"),
    (PATIENT % '"_id":{"id":"a"}', "Patient._id structure"),
    (PATIENT % '"_birthDate":{"id":"a"}', "Patient._birthDate invariant"),
    (PATIENT % '"birthDate":"2000","_birthDate":{}', "Patient._birthDate invariant"),
    (PATIENT % '"birthDate":"2000","_birthDate":[{"id":"a"}]', "Patient._birthDate structure"),
    (PATIENT % '"name":[{"given":["a",null]}]', "Patient.name[0].given[1] structure"),
    (PATIENT % '"name":[{"given":["a"],"_given":[null,{"id":"b"}]}]', "Patient.name[0].given structure;_given[1] invariant"),
    (PATIENT % '"name":[{"given":[null],"_given":[{"id":"b"}]}]', "Patient.name[0]._given[0] invariant"),
    (PATIENT % '"extension":[{"valueCode":"x"}]', "Patient.extension[0].url required"),
    (PATIENT % '"deceasedBoolean":true,"deceasedDateTime":"2020"', DECEASED),
    (
        PATIENT % '"deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"x","valueCode":"y"}]}',
        DECEASED,
    ),
    ('{"resourceType":"Observation","code":{"text":"x"}}', "Observation.status required"),
    ('{"resourceType":"MedicationRequest","status":"x","intent":"y","subject":{"display":"z"}}', "medication[x] required"),
    (OBSERVATION % '"valueQuantity":{"value":"1"}', "Observation.valueQuantity.value structure"),
    (OBSERVATION % '"valueInteger":2147483648', "Observation.valueInteger value"),
    (OBSERVATION % '"valueInteger":1.0', "Observation.valueInteger value"),
    (PATIENT % '"photo":[{"size":-0}]', "Patient.photo[0].size value"),
    (PATIENT % '"photo":[{"data":"YWJ"}]', "Patient.photo[0].data value"),
    (PATIENT % NESTED, "Patient.contained[0].contained invariant;.contained structure"),
    (PATIENT % SLOT, "Patient.contained[0].start required;.end required"),
    (PATIENT % '"contained":[null]', "Patient.contained[0] structure"),
    (
        '{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","birthDate":"2023-02-30"}}]}',
        "Bundle.entry[0].resource.birthDate value",
    ),
    (
        '{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Basic"}}]}]}',
        "Parameters.parameter[0].part[0].resource.code required",
    ),
    (TEXT % "x", "Patient.text.div value"),
    (TEXT % "<div>x</div>", "Patient.text.div value"),
    (TEXT % DIV % "<script/>", "Patient.text.div value"),
    (TEXT % DIV % "<p onclick='x()'/>", "Patient.text.div value"),
    (TEXT % DIV % "<a href=' JavaScript:x()'>x</a>", "Patient.text.div value"),
    (TEXT % DIV % "<img src='data:text/html,x'/>", "Patient.text.div value"),
    (TEXT % DIV % "<p>&nbsp;</p>", "Patient.text.div value"),
    (TEXT % "<!DOCTYPE div [<!ENTITY a 'b'>]>" + "", "Patient.text.div value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_each_wrong_resource_is_refused_at_its_path(text: str, told: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decode(text.encode())
    twice = any(issue.text == REPEATED for issue in refusal.value.issues)
    assert refusal.value.status == (400 if twice else 422)
    found = [f"{issue.expression} {issue.code}" for issue in refusal.value.issues]
    assert len(found) == told.count(";") + 1
    assert all(one.endswith(tail) for one, tail in zip(found, told.split(";"), strict=True)), found


TAKEN = [
    PATIENT % '"birthDate":"2024-02-29"',
    PATIENT % '"name":[{"given":["a"],"_given":[null]}]',
    PATIENT % '"_birthDate":{"extension":[{"url":"http://h","valueCode":"unknown"}]}',
    PATIENT
    % '"name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueString":"null {} [] \\\\b"}]}]}]',
    PATIENT % '"id":"a.B-9","name":[{"family":"김\\uac00\\/\\t\\r\\n","text":"{\\"id\\":\\"x\\"}"}]',
    PATIENT % '"contained":[{"resourceType":"Binary","contentType":"text/plain","data":"YWJj"}]',
    PATIENT % '"photo":[{"data":"YWJj\\r\\nYWI="}]',
    PATIENT % '"multipleBirthInteger":-0',
    OBSERVATION % '"valueQuantity":{"value":1E400}',
    OBSERVATION % '"valueQuantity":{"value":-1e400,"unit":"1E400"}',
    OBSERVATION % '"issued":"2016-12-31T23:59:60.1+14:00"',
    '{"resourceType":"MedicationRequest","status":"x","intent":"y","subject":{"display":"z"},"medicationReference":{"display":"m"}}',
    '{"resourceType":"Condition","subject":{"display":"x"},"_onsetDateTime":{"extension":[{"url":"u","valueCode":"y"}]}}',
    '{"resourceType":"Observation","_status":{"extension":[{"url":"u","valueCode":"unknown"}]},"code":{"text":"x"}}',
    '{"code":{"text":"x"},"status":"final","resourceType":"Observation"}',
    ' { "resourceType" :\n"Patient" } ',
    TEXT % DIV % "<p xml:lang='ko' style='color:red'>가 <a href='#x'>x</a><img src='data:image/png;base64,AA=='/></p>",
    TEXT % DIV % "",
]


@pytest.mark.parametrize("text", TAKEN)
def test_each_of_these_is_sound(text: str) -> None:
    small, one = admit(text.encode())
    assert json.loads(small) == json.loads(text)
    assert stored(small, one.resourceType) == one


@pytest.mark.parametrize("text", ["", "{", '{"resourceType":"Patient"}}', "nul", '{"resourceType":"Patient","id":NaN}'])
def test_what_is_not_json_is_refused_with_400(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decode(text.encode())
    assert refusal.value.status == 400


def test_a_type_asked_for_is_held_to() -> None:
    with pytest.raises(Invalid) as refusal:
        decode(b'{"resourceType":"Patient"}', "Observation")
    assert refusal.value.issues[0].expression == "Observation.resourceType"


def test_nested_resources_are_left_alone_when_the_caller_admits_them_himself() -> None:
    raw = b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","foo":1}}]}'
    assert decode(raw, deep=False).type == "batch"
    with pytest.raises(Invalid):
        decode(raw)


def test_nesting_deeper_than_the_limit_is_refused() -> None:
    def nested(levels: int) -> bytes:
        inner = b'{"url":"u","valueString":"x"}'
        for _ in range(levels):
            inner = b'{"url":"u","extension":[%s]}' % inner
        return b'{"resourceType":"Basic","code":{"text":"x"},"extension":[%s]}' % inner

    assert decode(nested(30))
    for levels in (31, 400, 5000):
        with pytest.raises(Invalid) as refusal:
            decode(nested(levels))
        assert refusal.value.status == 400
    assert decode(nested(31), depth=80)


def test_refusals_tell_no_value() -> None:
    with pytest.raises(Invalid) as refusal:
        decode((PATIENT % '"birthDate":"SECRET","gender":"SEC RET ","id":"SECRET_"').encode())
    assert len(refusal.value.issues) == 3
    assert "SECRET" not in "".join(issue.text + issue.expression for issue in refusal.value.issues)


@given(st.from_regex(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", fullmatch=True) | st.dates().map(str))
def test_dates_hold_the_calendar_and_the_specifications_pattern(text: str) -> None:
    written = definitions.primitive_patterns()["date"]
    try:
        datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
        real = True
    except ValueError:
        real = False
    assert (primitives.reason("date", text) == "") == real
    assert not real or re.fullmatch(written, text)


def test_the_first_use_of_a_type_costs_less_than_a_tenth_of_a_second() -> None:
    code = (
        "import time, onmaru.fhir.structure as s; t = time.process_time(); "
        'assert s.decode(b\'{"resourceType":"Observation","status":"final","code":{"text":"x"}}\'); '
        "print(time.process_time() - t)"
    )
    taken = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
        for _ in range(3)
    )
    assert taken < 0.1


@pytest.mark.slow
def test_the_data_is_what_the_script_makes_of_the_official_package(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    (package,) = shared_data("fhir-core").glob("*.tgz")
    made = tmp_path / "structure.zst"
    script = ROOT / "tools" / "build_structure.py"
    subprocess.run([sys.executable, str(script), str(package), str(made)], check=True, capture_output=True)
    assert made.read_bytes() == (ROOT / "src/onmaru/fhir/data/structure.zst").read_bytes()
    assert made.stat().st_size < 300_000


TWICE = PATIENT % ",".join(f'"x{n // 2}":1' for n in range(40_000))


def test_a_resource_wrong_in_very_many_places_is_told_a_thousand_of_them() -> None:
    with pytest.raises(Invalid) as refusal:
        decode(TWICE.encode())
    *told, last = refusal.value.issues
    assert (len(told), {issue.severity for issue in told}, last.severity) == (1000, {"error"}, "information")


@pytest.mark.parametrize(
    "bad", [TWICE, '{"a":' * 3000, '"' + "\\" * 100_001, "[" * 64 + '"' + "]" * 10**6, "9" * 10**6]
)
def test_hostile_text_is_refused_quickly(bad: str) -> None:
    begun = time.process_time()
    with pytest.raises(Invalid):
        decode(bad.encode())
    assert time.process_time() - begun < 1


def test_a_long_base64_or_code_takes_linear_time() -> None:
    begun = time.process_time()
    for name, text in (
        ("base64Binary", " " * 200_000),
        ("base64Binary", "YWJj " * 40_000 + "!"),
        ("code", "a " * 100_000),
    ):
        assert primitives.reason(name, text)
    assert time.process_time() - begun < 1
