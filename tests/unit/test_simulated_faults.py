"""Faults on the line: each at its rate, each of its kind, and never a sound message lost."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.simulated import Read, Refused, resources, v2

from onmaru.simulate import NO_FAULTS, Faults, Settings, hospital
from onmaru.simulate.faults import BREAKING

RATES = Faults(duplicate=0.05, late=0.04, out_of_order=0.03, malformed=0.02, merge=0.2, correction=0.1)


def within(count: int, of: int, rate: float) -> bool:
    """Four standard deviations of a binomial around its mean."""
    return abs(count - of * rate) <= 4 * (of * rate * (1 - rate)) ** 0.5 + 1


def test_each_fault_occurs_at_its_rate() -> None:
    run = hospital(2, 21.0, patients=110, beds=200, settings=Settings(faults=RATES))
    events = list(run)
    truth = run.truth
    sent = sum(truth.sent.values())
    free = sum(n for kind, n in truth.sent.items() if not kind.startswith("ADT") and kind != "masters")
    assert sent > 10_000
    assert len(events) == sent + truth.repeated + truth.mislabelled + sum(truth.refused.values())
    assert within(truth.mislabelled + sum(truth.refused.values()), sent, RATES.malformed)
    assert within(truth.repeated, sent, RATES.duplicate)
    assert within(truth.held_back, free, RATES.late)
    assert within(len(truth.merged), len(truth.survivors()), RATES.merge)
    assert 0 < truth.overtaken <= free * RATES.out_of_order
    assert within(len(truth.corrected), truth.sent["OML^O21^OML_O21"], RATES.correction)


def test_repeated_messages_are_the_same_bytes() -> None:
    run = hospital(2, 7.0, patients=40, settings=Settings(faults=RATES))
    copies = Counter(event.payload for event in run)
    assert sum(n - 1 for n in copies.values()) == run.truth.repeated


def test_without_faults_every_message_is_sound_and_comes_once() -> None:
    run = hospital(2, 7.0, patients=40, settings=Settings(faults=NO_FAULTS))
    events = list(run)
    for event in events:
        if event.channel == "hl7v2":
            Read(event.payload)
        else:
            assert resources(event)
    assert len({event.payload for event in events}) == len(events)
    truth = run.truth
    assert (truth.refused, truth.merged, truth.corrected) == ({}, {}, {})
    assert truth.mislabelled == truth.repeated == truth.held_back == truth.overtaken == 0
    assert all(stay.status != "cancelled" for stay in truth.stays.values())


def test_late_and_overtaken_results_do_come_out_of_order() -> None:
    run = hospital(2, 7.0, patients=40, settings=Settings(faults=Faults(0, 0.1, 0.1, 0, 0, 0, 0, 0, 0)))
    last: dict[str, str] = {}
    backwards: Counter[str] = Counter()
    for event in v2(run):
        message = Read(event.payload)
        sender, at = message.one("MSH", 3), message.one("MSH", 7)
        backwards[message.kind[:3]] += at < last.get(sender, "")
        last[sender] = max(at, last.get(sender, ""))
    assert backwards["ORU"] > 50
    assert backwards["ADT"] == 0


def test_a_sound_copy_follows_every_broken_message_at_once() -> None:
    run = hospital(6, 7.0, patients=60, beds=100, settings=Settings(faults=RATES))
    broken: dict[str, int] = {}
    sound: set[str] = set()
    for place, event in enumerate(v2(run)):
        header = event.payload.split(b"|", 11)
        control = header[9].decode("ascii") if len(header) > 10 else ""
        try:
            Read(event.payload)
        except Refused:
            assert control not in sound
            broken[control] = place
        else:
            sound.add(control)
    assert set(broken) - sound == {""}
    assert len(broken) > 20


@pytest.mark.parametrize("breaking", BREAKING["hl7v2"], ids=lambda breaking: breaking.__name__)
def test_each_way_of_breaking_is_refused_for_its_own_reason(breaking) -> None:
    settings = Settings(faults=NO_FAULTS)
    tried = 0
    for event in v2(hospital(2, 2.0, patients=8, settings=settings)):
        with pytest.raises(Refused, match=breaking.__name__):
            Read(breaking(event.payload))
        tried += 1
    assert tried > 50


def test_a_corrected_result_comes_after_the_wrong_one_and_holds() -> None:
    run = hospital(2, 7.0, patients=60, settings=Settings(faults=RATES))
    values: dict[str, list[tuple[str, str]]] = {}
    for event in v2(run):
        try:
            message = Read(event.payload)
        except Refused:
            continue
        if message.kind.startswith("ORU"):
            for obx in message.all("OBX"):
                name = f"{message.one('OBR', 3).split('^')[0]}/{obx[3].split('^')[0]}"
                values.setdefault(name, []).append((obx[11], obx[5]))
    assert run.truth.corrected
    for name, right in run.truth.corrected.items():
        statuses = [status for status, _ in values[name]]
        assert statuses == sorted(statuses, reverse=True)
        assert set(statuses) == {"F", "C"}
        assert values[name][-1] == ("C", right)
        assert values[name][0][1] != right
