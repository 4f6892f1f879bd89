"""Faults planted into a simulated feed: the same each time, told of in the ledger, and in no other message."""

from __future__ import annotations

from onmaru.simulate import Event
from onmaru.simulate.hospital import hospital
from onmaru.simulate.planted import plant
from onmaru.simulate.settings import Settings

EVENTS = list(hospital(4, 1.0, settings=Settings(patients=10, beds=10)))


def control(event: Event) -> str:
    return event.payload.decode("latin-1").split("|")[9]


def test_every_kind_is_planted_and_nothing_else_is_touched() -> None:
    events, ledger = plant(EVENTS, 4)
    assert all(ledger.values()) and plant(EVENTS, 4) == (events, ledger)
    planted = set().union(*ledger.values())
    before = {event.payload for event in EVENTS}
    changed = [event for event in events if event.payload not in before]
    assert {control(event) for event in changed} == planted
    assert len(events) == len(EVENTS) + len(ledger["feed"])
    assert [event.at_us for event in events] == sorted(event.at_us for event in events)


def test_a_stay_without_a_ward_has_none_in_any_message() -> None:
    events, ledger = plant(EVENTS, 4)
    lines = [
        line.split("|")
        for event in events
        if event.channel == "hl7v2" and event.payload.count(b"|") > 12 and control(event) in ledger["wards"]
        for line in event.payload.decode("latin-1").split("\r")
        if line.startswith("PV1|")
    ]
    assert lines and {line[3] for line in lines} == {""}
