"""Which accesses raise an alarm, once each, and who is of one family."""

from __future__ import annotations

from typing import Any

import pytest

from onmaru.kernel.alarms import Known, Watch, kin, rules, standard
from onmaru.kernel.audit import Access

NOON = 1_790_000_000_000_000 // 86_400_000_000 * 86_400_000_000 + 3 * 3_600_000_000  # 12:00 in Seoul
HOUR = 3_600_000_000
V = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality|V"
KNOWN = Known(
    own={"kim": "p-kim"}.get,  # type: ignore[arg-type]  # None is as good as "" here
    marked=lambda patient: [V] if patient == "vip" else [],
    kin=lambda own, patient: patient == "p-child",
)


def row(*patients: str, user: str = "kim", role: str = "nurse", at: int = NOON, **more: Any) -> Access:
    told = {"purpose": "TREAT", "allowed": True, **more}
    return Access(
        at, user, (role,), told["purpose"], "read", "Patient/x", patients, told["allowed"], "", "r", "10.0.0.1"
    )


def raised(*seen: Access) -> list[tuple[str, tuple[str, ...]]]:
    watch = Watch(KNOWN)
    alarms = [alarm for number, one in enumerate(seen, start=1) for alarm in watch.see(number, one)]
    return [(alarm.target, alarm.patients) for alarm in alarms]


@pytest.mark.parametrize(
    ("seen", "alarm"),
    [
        (row("vip"), "vip"),
        (row("p-kim"), "own-record"),
        (row("p-child"), "family"),
        (row("p1", role="registrar", at=NOON + 11 * HOUR), "after-hours"),
        (row("p1", role="registrar", at=NOON + 17 * HOUR), "after-hours"),
        (row("p1", purpose="BTG"), "break-glass"),
    ],
)
def test_an_unusual_access_raises_its_alarm_once_a_day(seen: Access, alarm: str) -> None:
    assert [target for target, _ in raised(seen, seen)] == [f"alarm/{alarm}"]


@pytest.mark.parametrize(
    "seen",
    [
        row("p1"),
        row("vip", allowed=False),
        row("vip", role="system"),
        row("p-kim", role="patient"),
        row("p-kim", user="lee"),
        row("p1", role="registrar"),
        row("p1", role="registrar", at=NOON + 18 * HOUR),
        row("p1", role="nurse", at=NOON + 13 * HOUR),
        row(),
    ],
)
def test_a_usual_access_raises_none(seen: Access) -> None:
    assert raised(seen) == []


def test_an_alarm_tells_the_access_that_raised_it() -> None:
    (alarm,) = Watch(KNOWN).see(7, row("vip", "p1"))
    assert (alarm.user, alarm.patients, alarm.request, alarm.address) == ("kim", ("vip",), "7", "10.0.0.1")


def test_an_alarm_in_the_trail_is_not_raised_again() -> None:
    watch = Watch(KNOWN)
    (alarm,) = watch.see(1, row("vip"))
    again = Watch(KNOWN)
    assert again.see(2, alarm) == [] and again.see(3, row("vip")) == []
    assert len(again.see(4, row("vip", at=NOON + 24 * HOUR))) == 1


def test_very_many_patients_within_the_hour_are_mass_reading() -> None:
    slowly = [row(f"p{n}", at=NOON + n * HOUR // 100) for n in range(300)]
    assert raised(*slowly) == []
    fast = [row(*(f"p{n}-{m}" for m in range(20)), at=NOON + n) for n in range(12)]
    assert [target for target, _ in raised(*fast)] == ["alarm/mass-reading"]


def test_far_more_patients_than_usual_are_mass_reading() -> None:
    usual = [row(f"p{hour}-{n}", at=NOON + hour * HOUR) for hour in range(10) for n in range(5)]
    more = [row(f"q{n}", at=NOON + 11 * HOUR) for n in range(45)]
    assert [target for target, _ in raised(*usual, *more)] == ["alarm/mass-reading"]
    assert raised(*(row(f"q{n}") for n in range(45))) == []


def patient(family: str, *, line: str = "", phone: str = "", text: str = "") -> dict[str, Any]:
    name = {"text": text} if text else {"family": family}
    return {
        "name": [name],
        "address": [{"line": [line], "city": "서울"}] if line else [{"city": "서울"}],
        "telecom": [{"system": "phone", "value": phone}] if phone else [],
    }


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        (patient("김", line="종로 1-2"), patient("김", line="종로  1-2"), True),
        (patient("김", line="종로 1-2"), patient("", text="김철수", line="종로 1-2"), True),
        (patient("김", line="종로 1-2"), patient("이", line="종로 1-2"), False),
        (patient("김"), patient("김"), False),
        (patient("김", phone="010-1234-5678"), patient("이", phone="01012345678"), True),
        (patient("김", phone="119"), patient("이", phone="119"), False),
        ({}, {}, False),
    ],
)
def test_a_family_has_a_name_and_a_home_or_a_telephone_in_common(
    one: dict[str, Any], other: dict[str, Any], related: bool
) -> None:
    assert kin(one, other) == related


@pytest.mark.parametrize(
    "source",
    [
        '[[rule]]\nname="x"\nkind="odd"',
        '[[rule]]\nname="x"\nkind="mass"',
        '[[rule]]\nname="x"\nkind="hours"\nzone="Seoul"',
    ],
)
def test_rules_that_are_not_understood_are_refused(source: str) -> None:
    with pytest.raises(ValueError):
        rules(source)
    assert len(standard()) == 6
