"""The catalogue of SearchParameters."""

import pytest

from onmaru.fhir.search import parameters
from onmaru.fhir.search.catalogue import ID, LAST_UPDATED, compartment, data, types


def test_all_r4_search_parameters_have_a_number_of_their_own() -> None:
    urls = [row[0] for row in data().parameters]
    assert len(urls) == len(set(urls)) == 1400
    assert (urls[ID], urls[LAST_UPDATED]) == ("Resource-id", "Resource-lastUpdated")


def test_every_type_answers_the_common_parameters() -> None:
    for type in types():
        assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} <= set(parameters(type))


def test_a_parameter_that_cannot_be_answered_is_not_listed() -> None:
    assert {"_query", "_filter"}.isdisjoint(parameters("Observation"))
    assert "near" not in parameters("Location")


def test_an_experimental_parameter_yields_to_the_one_it_copies() -> None:
    assert parameters("Condition")["subject"].targets == ("Group", "Patient")


def test_types_that_share_a_parameter_share_its_number() -> None:
    assert parameters("Observation")["patient"].sp == parameters("Condition")["patient"].sp


def test_the_patient_compartment_is_made_of_reference_parameters() -> None:
    for type in types():
        kinds = {one.kind for one in parameters(type).values() if one.sp in compartment(type)}
        assert kinds <= {"reference"}
    assert len(compartment("Observation")) == 2
    assert compartment("Medication") == frozenset()


def test_an_unknown_type_has_no_parameters() -> None:
    with pytest.raises(KeyError):
        parameters("Nothing")
