"""Alarms on unusual access: rules as data, judged on the audit trail after the access and never on its way.

Its one law: following the trail again from the same row raises the same alarms; an alarm is a row of the trail itself.
"""

from __future__ import annotations

import tomllib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import msgspec

from onmaru.kernel.audit import Access

ALARM = "alarm/"
# What an alarm's closing is called in the trail, before the alarm's row number
CLOSING = "alarm-closed/"
# Under this name, which no Patient can have, the trail's index keeps alarms
ALARMS = "!alarms"
# Who follows the trail
WATCHER = "onmaru-watch"
MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
# Users and days of which it is remembered what was raised
REMEMBERED = 100_000
# Hours a user has to have worked until there is a usual
USUAL = 8


def closing(number: str) -> str:
    """The name, which no Patient can have, under which the trail's index keeps the closing of an alarm."""
    return f"!closed {number}"


def found_under(row: Access) -> Sequence[str]:
    """By what a row of the trail is found: its patients; an alarm also among the alarms, its closing by its number."""
    if row.target.startswith(ALARM):
        return (*row.patients, ALARMS)
    if row.target.startswith(CLOSING):
        return (*row.patients, closing(row.target.removeprefix(CLOSING)))
    return row.patients


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """One row of `alarms.toml`; its head says what the fields mean."""

    name: str
    kind: Literal["marked", "own", "kin", "mass", "hours", "purpose"]
    labels: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    patients: int = 0
    minutes: int = 60
    times: float = 0.0
    least: int = 0
    start: time = time(0)
    until: time = time(0)
    zone: str = "+00:00"


def rules(source: str) -> tuple[Rule, ...]:
    """Read the rules (TOML text); a rule that is not understood is a ValueError."""
    found = msgspec.convert(tomllib.loads(source)["rule"], tuple[Rule, ...])
    for rule in found:
        datetime.fromisoformat(f"2026-01-01T00:00:00{rule.zone}")
        if rule.kind == "mass" and min(rule.patients, rule.minutes) < 1:
            raise ValueError(f"{rule.name}: how many patients in how many minutes?")
    return found


@cache
def standard() -> tuple[Rule, ...]:
    """The rules that ship with the house."""
    return rules(files("onmaru.kernel").joinpath("alarms.toml").read_text("utf-8"))


class Known(NamedTuple):
    """What the house knows of users and patients.

    own(user): the Patient id of the user's own record, "". marked(patient): its security labels as `system|code`.
    kin(own, patient): whether the two Patients are of one family.
    """

    own: Callable[[str], str]
    marked: Callable[[str], Iterable[str]]
    kin: Callable[[str, str], bool]


class Watch:
    """Reads the trail row by row."""

    def __init__(self, known: Known, table: tuple[Rule, ...] | None = None) -> None:
        self._known = known
        self._rules = standard() if table is None else table
        self._raised: set[tuple[str, str, str, int]] = set()
        self._reading: dict[str, _Reading] = {}

    def see(self, number: int, row: Access) -> list[Access]:
        """The alarms that one row of the trail raises, each once a user, patient and day."""
        if row.target.startswith(ALARM):
            self._raised.add(_key(row.target.removeprefix(ALARM), row.user, row.patients, row.at))
            return []
        if not row.user or not row.allowed or "system" in row.roles or not row.patients:
            return []
        found = []
        for rule in self._rules:
            for patients, told in self._judge(rule, row):
                key = _key(rule.name, row.user, patients, row.at)
                if key not in self._raised:
                    self._raised.add(key)
                    found.append(_alarm(rule, number, row, patients, told))
        if len(self._raised) > REMEMBERED:
            self._raised = {key for key in self._raised if key[3] >= row.at // DAY - 1}
        return found

    def _judge(self, rule: Rule, row: Access) -> Iterable[tuple[tuple[str, ...], str]]:
        """(patients, what else is told) of each alarm."""
        if rule.kind == "mass":
            return self._mass(rule, row)
        if rule.kind == "hours":
            return [((), "")] if not rule.roles.isdisjoint(row.roles) and _within(rule, row.at) else []
        own = "" if rule.kind in ("marked", "purpose") else self._known.own(row.user)
        if "patient" in row.roles or (rule.kind in ("own", "kin") and not own):
            return []
        return [((one,), "") for one in row.patients if self._meant(rule, row, own, one)]

    def _meant(self, rule: Rule, row: Access, own: str, patient: str) -> bool:
        if rule.kind == "marked":
            return not rule.labels.isdisjoint(self._known.marked(patient))
        if rule.kind == "purpose":
            return row.purpose in rule.purposes
        if rule.kind == "own":
            return patient == own
        return patient != own and self._known.kin(own, patient)

    def _mass(self, rule: Rule, row: Access) -> list[tuple[tuple[str, ...], str]]:
        if "patient" in row.roles:
            return []
        if len(self._reading) > REMEMBERED:
            self._reading.clear()
        reading = self._reading.setdefault(f"{rule.name} {row.user}", _Reading())
        count, usual = reading.add(row, rule.minutes * MINUTE)
        much = usual > 0 and rule.times > 0 and count >= max(rule.least, rule.times * usual)
        if count < rule.patients and not much:
            return []
        return [((), f"{count} patients in {rule.minutes} minutes; usual {usual:.0f}")]


class _Reading:
    """Whom one user has read of late, and how many an hour on the whole."""

    def __init__(self) -> None:
        self._late: deque[tuple[int, str]] = deque(maxlen=20_000)
        self._count: Counter[str] = Counter()
        self._hour, self._inside = -1, set[str]()
        self._hours, self._sum = 0, 0

    def add(self, row: Access, span: int) -> tuple[int, float]:
        """How many patients within `span` µs up to this row, and how many are usual in an hour (0: not known yet)."""
        self._forget(row.at - span)
        for patient in row.patients:
            if len(self._late) == self._late.maxlen:
                self._drop()
            self._late.append((row.at, patient))
            self._count[patient] += 1
        usual = self._sum / self._hours if self._hours >= USUAL else 0.0
        hour = row.at // (60 * MINUTE)
        if hour != self._hour:
            if self._inside:
                self._hours, self._sum = self._hours + 1, self._sum + len(self._inside)
            self._hour, self._inside = hour, set()
        self._inside.update(row.patients)
        return len(self._count), usual

    def _forget(self, before: int) -> None:
        while self._late and self._late[0][0] < before:
            self._drop()

    def _drop(self) -> None:
        _, patient = self._late.popleft()
        self._count[patient] -= 1
        if not self._count[patient]:
            del self._count[patient]


def _key(rule: str, user: str, patients: Iterable[str], at: int) -> tuple[str, str, str, int]:
    return rule, user, " ".join(one for one in patients if one != ALARMS), at // DAY


def _within(rule: Rule, at: int) -> bool:
    """Whether a moment lies between the rule's times by the rule's clock; over midnight too."""
    zone = datetime.fromisoformat(f"2026-01-01T00:00:00{rule.zone}").tzinfo
    clock = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone).time()
    if rule.start <= rule.until:
        return rule.start <= clock < rule.until
    return clock >= rule.start or clock < rule.until


def _alarm(rule: Rule, number: int, row: Access, patients: tuple[str, ...], told: str) -> Access:
    """The row of an alarm: who, when, whose record and from where are those of the access, `request` is its row number."""
    return msgspec.structs.replace(
        row, action="execute", target=ALARM + rule.name, patients=patients, reason=told, request=str(number)
    )


# -- families ------------------------------------------------------------------------------------------------------


def kin(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two Patients (parsed JSON) share a telephone number, or a family name and an address."""
    if _phones(one) & _phones(other):
        return True
    return bool(_families(one) & _families(other)) and bool(_addresses(one) & _addresses(other))


def _parts(patient: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = patient.get(name, [])
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _phones(patient: Mapping[str, object]) -> set[str]:
    texts = (
        str(part.get("value", "")) for part in _parts(patient, "telecom") if part.get("system") in ("phone", "sms")
    )
    digits = ("".join(sign for sign in text if sign.isdigit()) for text in texts)
    return {number for number in digits if len(number) >= 8}


def _families(patient: Mapping[str, object]) -> set[str]:
    """Family names; of a Korean name written in one text its first syllable."""
    found = set()
    for name in _parts(patient, "name"):
        text = str(name.get("text", "")).strip()
        family = str(name.get("family", "")) or (text[:1] if text and "가" <= text[0] <= "힣" else text.split(" ")[-1])
        found.add(family.casefold())
    return found - {""}


def _addresses(patient: Mapping[str, object]) -> set[str]:
    """Addresses with a street or a text; a city alone is nobody's home."""
    found = set()
    for address in _parts(patient, "address"):
        lines = address.get("line", [])
        text = " ".join(map(str, lines)) if isinstance(lines, list) and lines else str(address.get("text", ""))
        if any(sign.isdigit() for sign in text):
            found.add("".join(f"{text}{address.get('postalCode', '')}".split()).casefold())
    return found
