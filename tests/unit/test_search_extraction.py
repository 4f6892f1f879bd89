"""Corners of extraction that real resources seldom show."""

from onmaru.fhir import structure
from onmaru.fhir.keys import MAX, Keys
from onmaru.fhir.search import extract, matches, parameters, parse


def keys(raw: str) -> Keys:
    return extract(structure.decode(raw.encode()))


def rows(found: Keys, type: str, code: str) -> list[tuple[object, ...]]:
    sp = parameters(type)[code].sp
    lists = (found.token, found.text, found.reference, found.date, found.string, found.quantity)
    return [row[1:] for one in lists for row in one if row[0] == sp]


def test_a_place_that_only_an_extension_fills_gives_no_key() -> None:
    extension = '{"extension": [{"url": "http://acme.org/unknown", "valueBoolean": true}]}'
    found = keys(
        '{"resourceType": "Patient", "name": [{"given": [null, "Min"], "_given": [' + extension + ", null]}],"
        ' "_birthDate": ' + extension + "}"
    )
    assert rows(found, "Patient", "given") == [("Min",)]
    assert rows(found, "Patient", "birthdate") == []
    (clause,) = parse(("Patient",), [("birthdate:missing", "true")]).clauses
    assert matches(found, clause)  # type: ignore[arg-type]


def test_a_date_that_no_calendar_has_is_left_out_if_one_comes_this_far() -> None:
    patient = structure.struct("Patient")(resourceType="Patient", birthDate="2001-02-30", gender="male")
    assert rows(extract(patient), "Patient", "birthdate") == []
    assert rows(extract(patient), "Patient", "gender") == [("", "male")]


def test_a_patient_is_in_its_own_compartment_and_in_that_of_a_linked_one() -> None:
    link = '"link": [{"other": {"reference": "Patient/old"}, "type": "replaces"}]'
    assert keys('{"resourceType": "Patient", "id": "new", ' + link + "}").patients == ["old", "new"]


def test_a_resource_names_each_of_its_patients_once() -> None:
    found = keys(
        '{"resourceType": "Observation", "status": "final", "code": {"text": "x"},'
        ' "subject": {"reference": "Patient/1"}, "performer": [{"reference": "Patient/1"}, {"reference": "Patient/2"}]}'
    )
    assert sorted(found.patients) == ["1", "2"]


def test_a_logical_reference_is_a_patient_if_it_says_so() -> None:
    subject = '"subject": {"type": "Patient", "identifier": {"system": "urn:x", "value": "7"}}'
    found = keys('{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, ' + subject + "}")
    assert rows(found, "Observation", "patient") == [("urn:x", "7")]
    assert found.patients == []


def test_the_first_resource_of_a_document_is_its_composition() -> None:
    composition = (
        '{"resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "date": "2020",'
        ' "author": [{"display": "x"}], "title": "x"}'
    )
    found = keys('{"resourceType": "Bundle", "type": "document", "entry": [{"resource": ' + composition + "}]}")
    assert rows(found, "Bundle", "composition") == [("Composition", "c")]
    assert rows(found, "Bundle", "message") == []


def test_an_extension_that_is_a_parameter_gives_its_value() -> None:
    gene = '{"url": "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene",'
    gene += ' "valueCodeableConcept": {"coding": [{"system": "http://www.genenames.org", "code": "3236"}]}}'
    found = keys(
        '{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "extension": [' + gene + "]}"
    )
    assert rows(found, "Observation", "gene-identifier") == [("http://www.genenames.org", "3236")]


def test_a_condition_inside_a_path_chooses_the_elements() -> None:
    found = keys(
        '{"resourceType": "Patient", "telecom": [{"system": "email", "value": "A@b.kr"}, {"system": "phone", "value": "1"}]}'
    )
    assert rows(found, "Patient", "email") == [("", "a@b.kr")]
    assert rows(found, "Patient", "telecom") == [("", "a@b.kr"), ("", "1")]


def test_an_open_period_reaches_to_the_end_of_time() -> None:
    found = keys('{"resourceType": "EpisodeOfCare", "status": "active", "patient": {"reference": "Patient/1"},'
                 ' "period": {"start": "1970"}}')  # fmt: skip
    assert rows(found, "EpisodeOfCare", "date") == [(0, MAX)]


def test_security_labels_stand_apart_from_the_keys() -> None:
    label = '{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}'
    found = keys('{"resourceType": "Patient", "meta": {"security": [' + label + ", " + '{"display": "no code"}]}}')
    assert found.labels == [("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V")]
