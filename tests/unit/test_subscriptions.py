"""What a subscription asks for, when a topic fires, and who is looked at for it: pure functions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onmaru.app.subscriptions.firing import Board, Event, waits
from onmaru.fhir import search, structure
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.subscriptions.criteria import criteria
from onmaru.fhir.subscriptions.topic import Topic, topic_of
from onmaru.fhir.subscriptions.wanted import Wanted, fits, wanted
from onmaru.kernel.log import Version
from subscribing_house import classic, topic, topical

URL = "http://topics.example/t"


def read(body: Any) -> Wanted:
    raw = json.dumps(body).encode()
    structure.admit(raw, "Subscription")
    return wanted(raw)


def told(body: Any) -> Topic:
    raw = json.dumps(body).encode()
    structure.admit(raw, "Basic")
    return topic_of(raw)


def keys(version: Version) -> Keys:
    return search.extract(structure.admit(version.body or b"", version.type)[1])


def event(before: Any, now: Any, type_name: str = "Encounter") -> Event:
    versions = [
        Version(t, type_name, "x", t, "delete" if one is None else "update", 0, _body(type_name, one))
        for t, one in ((1, before), (2, now))
    ]
    return Event(versions[1], versions[0] if before is not None else None, keys)


def _body(type_name: str, said: Any) -> bytes | None:
    if said is None:
        return None
    head = {"class": {"code": "IMP"}} if type_name == "Encounter" else {}
    return json.dumps({"resourceType": type_name, "id": "x", **head, **said}).encode()


PLANNED, FINISHED = {"status": "planned"}, {"status": "finished"}
CASES = [
    # criteria, before, now, fires
    ({}, None, PLANNED, True),
    ({}, PLANNED, None, True),
    ({"current": "status=finished"}, None, FINISHED, True),
    ({"current": "status=finished"}, None, PLANNED, False),
    ({"current": "status=finished"}, FINISHED, None, False),
    ({"current": "status=finished", "resultForDelete": "test-passes"}, FINISHED, None, True),
    ({"previous": "status=planned"}, None, FINISHED, False),
    ({"previous": "status=planned", "resultForCreate": "test-passes"}, None, FINISHED, True),
    ({"previous": "status=planned"}, PLANNED, FINISHED, True),
    ({"previous": "status=planned", "current": "status=finished"}, FINISHED, FINISHED, True),
    ({"previous": "status=planned", "current": "status=finished", "requireBoth": True}, FINISHED, FINISHED, False),
    ({"previous": "status=planned", "current": "status=finished", "requireBoth": True}, PLANNED, FINISHED, True),
    ({"fhirPathCriteria": "%current.status = 'finished'"}, PLANNED, FINISHED, True),
    ({"fhirPathCriteria": "%previous.empty()"}, PLANNED, FINISHED, False),
    ({"fhirPathCriteria": "status"}, PLANNED, FINISHED, False),
    ({"fhirPathCriteria": "%current.status = 'finished'", "current": "status=planned"}, PLANNED, FINISHED, False),
]


@pytest.mark.parametrize(("said", "before", "now", "fires"), CASES)
def test_a_topic_fires_as_the_guide_says(said: dict[str, Any], before: Any, now: Any, fires: bool) -> None:
    found = told(topic(URL, "Encounter", **said))
    assert waits(read(topical(URL, "https://a.example/")), found, event(before, now)) is fires


def test_interactions_are_kept_apart() -> None:
    asked, found = read(topical(URL, "https://a.example/")), told(topic(URL, "Encounter", "update"))
    assert [waits(asked, found, event(*pair)) for pair in ((None, PLANNED), (PLANNED, FINISHED), (PLANNED, None))] == [
        False,
        True,
        False,
    ]


def test_an_expression_that_never_ends_is_cut_off_and_noted() -> None:
    endless = told(topic(URL, "Encounter", fhirPathCriteria="(1|2|3|4|5|6|7|8).repeat($this + 1).count() > 0"))
    asked, what = read(topical(URL, "https://a.example/")), event(None, PLANNED)
    began = time.process_time()
    assert not waits(asked, endless, what) and what.fault
    assert time.process_time() - began < 1


def test_a_filter_looks_at_what_was_deleted() -> None:
    found = told(topic(URL, "Encounter"))
    asked = read(topical(URL, "https://a.example/", "Encounter?status=planned"))
    assert waits(asked, found, event(PLANNED, None)) and not waits(asked, found, event(FINISHED, None))


def test_a_topic_offers_its_filters_and_no_others() -> None:
    body = topic(URL, "Encounter")
    body["extension"].append(
        {"url": "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic.canFilterBy",
         "extension": [{"url": "resource", "valueUri": "Encounter"}, {"url": "filterParameter", "valueString": "status"}]}
    )  # fmt: skip
    fits(read(topical(URL, "https://a.example/", "Encounter?status=planned")), told(body))
    with pytest.raises(Invalid):
        fits(read(topical(URL, "https://a.example/", "Encounter?class=IMP")), told(body))
    with pytest.raises(Invalid):
        fits(read(topical(URL, "https://a.example/")), None)


SEARCHES = [
    "Patient",
    "Patient?family=a",
    "Patient?gender=male",
    "Patient?gender=male,female",
    "Patient?identifier=urn:x|1",
    "Patient?general-practitioner=Practitioner/1",
    "Patient?general-practitioner=Practitioner/1&gender=male",
    "Patient?gender:not=male",
    "Patient?gender:missing=true",
    "Patient?_id=x",
    "Patient?_id=y",
    "Patient?birthdate=ge1970",
    "Patient?_tag=urn:t|a",
    "Patient?email=A@B.C",
]
people = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from(["male", "female"]),
        "name": st.just([{"family": "abc"}]),
        "birthDate": st.sampled_from(["1960", "1980-01-01"]),
        "identifier": st.just([{"system": "urn:x", "value": "1"}]),
        "generalPractitioner": st.just([{"reference": "Practitioner/1"}]),
        "meta": st.just({"tag": [{"system": "urn:t", "code": "a"}]}),
        "telecom": st.just([{"system": "email", "value": "a@b.c"}]),
    },
)


@settings(max_examples=30, deadline=None)
@given(before=st.none() | people, now=st.none() | people)
def test_nobody_who_waits_is_passed_over(before: Any, now: Any) -> None:
    """Whoever waits for an event is among the candidates that its keys find."""
    found = told(topic(URL, "Patient"))
    board: Board[int] = Board()
    asked = [read(classic(one, "https://a.example/")) for one in SEARCHES]
    asked += [read(topical(URL, "https://a.example/", one)) for one in SEARCHES]
    for number, one in enumerate(asked):
        board.add(number, one, found)
    what = event(before, now, "Patient")
    waiting = {number for number, one in enumerate(asked) if waits(one, found, what)}
    assert waiting <= set(board.candidates(what))
    for number in range(len(asked)):
        board.remove(number)
    assert "Patient" not in board and not board.candidates(what)


def test_of_hundreds_few_are_looked_at() -> None:
    board: Board[int] = Board()
    for number in range(300):
        board.add(
            number, read(classic(f"Observation?subject=Patient/{number}&status=final", "https://a.example/")), None
        )
    said = {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/7"}}
    assert board.candidates(event(None, said, "Observation")) == (7,)


@given(st.text(max_size=30))
@settings(max_examples=20, deadline=None)
def test_criteria_are_understood_or_refused(text: str) -> None:
    for given_text in (text, f"Patient?{text}"):
        try:
            criteria(given_text, "Subscription.criteria")
        except Invalid as refused:
            assert refused.status == 422 and refused.issues[0].expression == "Subscription.criteria"


def test_holes_in_lists_are_refused_and_not_met_with_a_failure() -> None:
    body = classic(
        "Patient",
        "https://a.example/",
        header=[None, "X: y"],
        _header=[{"extension": [{"url": "urn:x", "valueCode": "y"}]}, None],
    )
    with pytest.raises(Invalid) as refused:
        read(body)
    assert refused.value.issues[0].expression == "Subscription.channel.header[0]"
