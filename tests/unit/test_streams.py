"""Streams, piece by piece: whose a reading is, what a message may say, doubles, minutes, and the journal after a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onmaru.engines.journal import Journal
from onmaru.kernel.log import Version
from onmaru.rooms.monitor.live import SECOND, Streamed
from onmaru.rooms.monitor.stream.binding import Bindings
from onmaru.rooms.monitor.stream.message import Refused, read
from onmaru.rooms.monitor.stream.order import Seen
from onmaru.rooms.monitor.stream.people import People
from onmaru.rooms.monitor.stream.summary import Minutes, instant, middle, observation

T = 1_800_000_000 * SECOND
MINUTE = 60 * SECOND


def known(*bodies: dict[str, Any], at: int = T) -> Bindings:
    found = Bindings()
    for n, body in enumerate(bodies):
        found.learn(Version(n + 1, body["resourceType"], body["id"], 1, "update", at, json.dumps(body).encode()))
    return found


def ref(name: str) -> dict[str, str]:
    return {"reference": name}


def use(id: str, patient: str, low: int, high: int = 0, status: str = "") -> dict[str, Any]:
    period = {"start": instant(low), **({"end": instant(high)} if high else {})}
    return {
        "resourceType": "DeviceUseStatement", "id": id, "status": status or ("completed" if high else "active"),
        "device": ref("Device/d"), "subject": ref(f"Patient/{patient}"), "timingPeriod": period,
    }  # fmt: skip


DEVICE = {"resourceType": "Device", "id": "d", "identifier": [{"system": "urn:x", "value": "mon"}]}
CASES: tuple[tuple[str, list[dict[str, Any]], int, str, str], ...] = (
    ("in use", [use("u", "a", T)], T, "a", ""),
    ("before it was in use", [use("u", "a", T)], T - 1, "", "unbound"),
    ("handed over at that instant", [use("u", "a", T - 9, T), use("v", "b", T)], T, "b", ""),
    ("in use by two", [use("u", "a", T), use("v", "b", T)], T, "", "ambiguous"),
    ("over without an end", [use("u", "a", T, status="completed")], T, "", "unbound"),
    ("entered in error", [use("u", "a", T, status="entered-in-error")], T, "", "unbound"),
    ("a day without its hour", [{**use("u", "a", T), "timingPeriod": {"start": "2027-01-15"}}], T, "", "unbound"),
)


@pytest.mark.parametrize(("bodies", "at", "patient", "reason"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_device_speaks_for_whom_the_chart_says_at_that_time(
    bodies: list[dict[str, Any]], at: int, patient: str, reason: str
) -> None:
    for name in ("mon", "urn:x|mon", "d"):
        found = known(DEVICE, *bodies).whose(name, at)
        assert (found.patient, found.reason) == (patient, reason)


def test_a_bed_speaks_for_who_lies_there_and_not_for_who_left_or_is_expected() -> None:
    def stay(id: str, patient: str, status: str, low: int, high: int = 0) -> dict[str, Any]:
        period = {"start": instant(low), **({"end": instant(high)} if high else {})}
        return {
            "resourceType": "Encounter", "id": id, "status": "in-progress", "subject": ref(f"Patient/{patient}"),
            "location": [{"location": ref("Location/bed"), "status": status, "period": period}],
        }  # fmt: skip

    bed = {"resourceType": "Location", "id": "bed", "identifier": [{"value": "71-1"}]}
    found = known(bed, stay("e", "a", "completed", T - 9, T), stay("f", "b", "active", T), stay("g", "c", "planned", T))
    assert found.whose("", T - 1, "71-1").patient == "a"
    assert found.whose("", T, "71-1").patient == "b"
    assert found.whose("", T, "71-9").reason == "ambiguous"
    assert found.whose("", T, "71-1", "a").reason == "ambiguous"


def test_two_devices_of_one_name_speak_for_nobody() -> None:
    twin = {**DEVICE, "id": "e"}
    assert known(DEVICE, twin, use("u", "a", T)).whose("mon", T).reason == "ambiguous"
    assert known(DEVICE, twin, use("u", "a", T)).whose("d", T).patient == "a"


def test_a_patients_name_is_asked_for_once_and_anew_when_somebodys_names_change() -> None:
    chart = {"a": {"a", "7", "urn:mrn|7"}, "b": {"b"}}
    asked: list[str] = []

    def ask(name: str) -> frozenset[str]:
        asked.append(name)
        return frozenset(id for id, names in chart.items() if name in names)

    def said(id: str, *values: str) -> None:
        body = {"resourceType": "Patient", "id": id, "identifier": [{"value": one} for one in values]}
        found.learn(Version(1, "Patient", id, 1, "update", T, json.dumps(body).encode()))
        chart[id] = {id, *values}

    found = Bindings(ask)
    assert [found.whose("", T, patient="7").patient for _ in range(3)] == ["a", "a", "a"]
    assert found.whose("", T, patient="8").reason == "ambiguous" and asked == ["7", "8"]
    said("b", "8")
    said("a")
    assert (found.whose("", T, patient="8").patient, found.whose("", T, patient="7").reason) == ("b", "ambiguous")
    # One who is called as another is makes both nobody
    said("c", "8")
    assert found.whose("", T, patient="8").reason == "ambiguous"
    assert asked == ["7", "8", "8", "7", "8"]


def test_only_so_many_names_are_remembered() -> None:
    asked: list[str] = []
    people = People(lambda name: frozenset({asked.append(name) or "a"}), most=2)  # type: ignore[func-returns-value]  # both
    for name in ("x", "y", "x", "z", "x", "y"):
        people.of(name)
    assert asked == ["x", "y", "z", "y"]
    assert (len(people._held), {*people._names["a"]}) == (2, {"x", "y"})


def message(**more: Any) -> bytes:
    return json.dumps({"device": "mon", "at_us": T, **more}).encode()


def test_digits_are_kept_and_other_units_converted_exactly() -> None:
    found = read(b'{"device":"m","at_us":1800000000000000,"values":{"8867-4":[72.50,"bpm"],"8310-5":[98.6,"[degF]"]}}')
    assert [(one.value, one.unit, one.flag) for one in found.values] == [("72.50", "/min", ""), ("37", "Cel", "")]


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({"59408-5": [101, "%"]}, ["impossible"]),
        ({"8867-4": [-1, "/min"]}, ["impossible"]),
        ({"8480-6": [80, "mm[Hg]"], "8462-4": [80, "mm[Hg]"]}, ["impossible", "impossible"]),
        ({"8480-6": [81, "mm[Hg]"], "8462-4": [80, "mm[Hg]"]}, ["", ""]),
        ({"8867-4": 72}, ["unit"]),
        ({"8867-4": [72, "mm[Hg]"]}, ["unit"]),
        ({"8867-4": None}, ["absent"]),
        ({"8867-4": [72, "/min", "motion"]}, ["motion"]),
        ({"nobody-knows": 3}, []),
    ],
)
def test_what_is_doubtful_is_kept_with_its_reason(values: dict[str, Any], flags: list[str]) -> None:
    assert [one.flag for one in read(message(values=values)).values] == flags


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"\xff", b'{"device":"m"}', b"[" * 9_999, message(values={"8867-4": "72"}), message(interval=-1),
        message(values={"8867-4": True}), message(values={"8867-4": [1, "/min", "", 4]}), b'{"at_us":5}',
        message(values={"8867-4": [1, "/min"], "heart-rate": [2, "/min"]}), message(device="\n"),
        b'{"device":"m","at":"0001-01-01T00:00:00+14:00"}', b'{"device":"m","at":"9999-12-31T23:59:60-14:00"}',
        b'{"device":"m","at":"2026-11-23T10:00:00"}', b'{"device":"m","at_us":1e3}', b'{"device":"m","at_us":' + b"9" * 400,
        message(values={"8867-4": [10**40, "/min"]}), message(waves=[{"code": "e", "hz": 0, "samples": [1]}]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_whole_is_refused_without_its_values(payload: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read(payload)
    assert not any(letter.isdigit() for letter in str(refused.value))


def test_a_reading_is_new_once_in_whatever_order_it_comes() -> None:
    seen = Seen(window=10)
    both, one, other = frozenset("mn"), frozenset("m"), frozenset("n")
    assert [seen.new("d", at, one) for at in (5, 3, 5, 4, 3, 4, 5)] == [one, one, set(), one, set(), set(), set()]
    seen.unsee([("d", 4), ("nobody", 4)])
    assert seen.new("d", 4, one) == one
    assert seen.new("e", 5, one) == one
    assert [seen.new("d", 5, both), seen.new("d", 5, both)] == [other, set()]
    assert [seen.new("d", at, one) for at in (20, 9, 5)] == [one, one, one]


def test_a_minute_is_the_middle_of_what_may_be_scored_and_is_closed_once() -> None:
    def one(value: str, at: int, flag: str = "") -> Streamed:
        return Streamed("p", "heart-rate", value, "/min", at, at, "d", SECOND, flag)

    minutes = Minutes(late=15 * SECOND)
    minutes.add([one("9", T), one("100", T + 1), one("80", T + 2), one("85", T + 3), one("300", T + 4, "motion")])
    assert minutes.due(T + MINUTE + 14 * SECOND) == []
    [(patient, minute, values)] = minutes.due(T + MINUTE + 15 * SECOND)
    name, body = observation(patient, minute, values)
    assert name == f"p/{T // MINUTE}"
    assert json.loads(body)["component"][0]["valueQuantity"]["value"] == 80
    assert minutes.add([one("70", T + 5)]) == 1
    assert minutes.due(T + 9 * MINUTE) == []
    assert middle(["10", "9"]) == "9"


def test_a_journal_gives_back_every_whole_frame_and_tells_nothing_in_clear(tmp_path: Path) -> None:
    journal = Journal(tmp_path, b"k" * 32)
    frames = [b"heart 72", b"heart 73", b"heart 74"]
    for frame in frames:
        journal.append(frame)
    journal.close()
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    assert b"heart" not in whole
    for cut in (1, 20, len(whole) // 2):
        file.write_bytes(whole[:-cut])
        again = Journal(tmp_path, b"k" * 32)
        assert again.left == [1]
        found = list(again.read(1))
        assert found == frames[: len(found)] and len(found) < 3
        again.close()
        again.drop(again.number)
    file.write_bytes(whole)
    changed = bytearray(whole)
    changed[40] ^= 1
    file.write_bytes(bytes(changed))
    again = Journal(tmp_path, b"k" * 32)
    assert list(again.read(1)) == []
    again.close()
