"""`Observation/$stats` (R4): statistics of a subject's measurements, one Observation for each code and unit.

Its one law: what is no plain measured number in UCUM is counted as seen and never calculated with; no unit is converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import msgspec

from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.statistics import BARE, REGRESSION, SQUARE, STATISTICS, decimal, line, series
from onmaru.kernel.entry import ID
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.operations.drawing import drawn
from onmaru.web.fhir.operations.given import Given, given
from onmaru.web.fhir.operations.lastn import Observed

NAMES = frozenset({"subject", "code", "system", "coding", "duration", "period", "statistic", "include", "limit"})
UCUM = "http://unitsofmeasure.org"
SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-statistics"
ABSENT = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}]}
# Members of panels that are looked up in one search
TOGETHER = 50
CODES, LIMIT, HOURS = 20, 1000, 24 * 366 * 150
# What a number may be made of before it is no measurement: 18 digits are FHIR's own bound of what all must keep
DIGITS, EXPONENT = 40, 50
Coding = tuple[str, str]


class Wanted(msgspec.Struct, frozen=True):
    """`period`: start and end as FHIR writes them, "" for an open end."""

    subject: str
    codes: tuple[Coding, ...]
    statistics: tuple[str, ...]
    period: tuple[str, str]
    limit: int

    @property
    def query(self) -> Query:
        """The search that finds what may count."""
        codes = ",".join(
            f"{_escaped(system)}|{_escaped(code)}" if system else _escaped(code) for system, code in self.codes
        )
        pairs = [("subject", self.subject), ("combo-code", codes), ("status:not", "entered-in-error")]
        pairs += [("date", f"{prefix}{text}") for prefix, text in zip(("ge", "le"), self.period, strict=True) if text]
        return parse(("Observation",), pairs)


class Value(msgspec.Struct, frozen=True):
    """One measured number, or what stands where one is missing: `number` None."""

    codes: frozenset[Coding]
    number: Decimal | None
    unit: str
    at: int


async def stats(request: Request, hall: Hall) -> Response:
    """`GET` or `POST Observation/$stats`."""
    wanted = _wanted(given(request, NAMES))
    seen = _Seen(wanted.limit)
    async for version in drawn(hall, wanted.query):
        seen.add(version)
    members = [id for id in dict.fromkeys(seen.members) if id not in seen.ids]
    for start in range(0, len(members), TOGETHER):
        query = parse(("Observation",), [("_id", ",".join(members[start : start + TOGETHER]))])
        async for version in drawn(hall, query):
            seen.add(version)
    return Response(200, partial(_told, wanted, seen), FHIR)


class _Seen:
    """What was measured, of each Observation no more than that; `limit` of them are kept whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._codes: dict[frozenset[Coding], frozenset[Coding]] = {}
        self.values: list[Value] = []
        self.sources: list[bytes] = []
        self.members: list[str] = []
        self.ids: set[str] = set()

    def add(self, version: Version) -> None:
        observation = read(version.body or b"{}")
        self.ids.add(version.id)
        for one in _values(observation):
            self.values.append(msgspec.structs.replace(one, codes=self._codes.setdefault(one.codes, one.codes)))
        for one in observation.get("hasMember", ()):
            type, _, id = str(one.get("reference", "")).rpartition("/")
            if type == "Observation" and ID.fullmatch(id):
                self.members.append(id)
        if len(self.sources) < self._limit:
            self.sources.append(version.body or b"")


def _wanted(asked: Given) -> Wanted:
    statistics = tuple(dict.fromkeys(part for text in asked.texts("statistic") for part in text.split(",") if part))
    unknown = [name for name in statistics if name not in STATISTICS and name != REGRESSION]
    if unknown or not statistics:
        raise invalid("value", f"one or more of {', '.join([*STATISTICS, REGRESSION])}", "statistic")
    subject = asked.text("subject")
    if not subject:
        raise invalid("required", "$stats needs a subject such as Patient/1", "subject")
    limit = asked.number("limit", LIMIT, LIMIT) if asked.flag("include") else 0
    return Wanted(subject, _codes(asked), statistics, _period(asked), limit)


def _codes(asked: Given) -> tuple[Coding, ...]:
    system = asked.text("system")
    found = [_written(text, system) for given in asked.texts("code") for text in given.split(",") if text]
    for coding in asked.values.get("coding", ()):
        if isinstance(coding, str):
            found.append(_written(coding, ""))
        elif isinstance(coding, dict) and coding.get("code"):
            found.append((str(coding.get("system", "")), str(coding["code"])))
    codes = tuple(dict.fromkeys(found))
    if not codes or len(codes) > CODES or not all(code for _, code in codes):
        raise invalid("required", f"$stats needs 1 to {CODES} codes", "code")
    return codes


def _written(text: str, system: str) -> Coding:
    named, bar, code = text.rpartition("|")
    return (named, code) if bar else (system, code)


def _period(asked: Given) -> tuple[str, str]:
    hours = asked.text("duration")
    if hours:
        try:
            length = timedelta(hours=float(Decimal(hours)))
        except (InvalidOperation, OverflowError, ValueError):
            length = timedelta(0)
        if not timedelta(0) < length <= timedelta(hours=HOURS):
            raise invalid("value", "a number of hours", "duration")
        now = datetime.now(UTC)
        return _moment(now - length), _moment(now)
    period = asked.values.get("period", [{}])[0]
    if not isinstance(period, dict):
        raise invalid("value", "a Period, in a Parameters body", "period")
    return str(period.get("start", "")), str(period.get("end", ""))


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\,|$" else letter for letter in text)


# -- in a thread ---------------------------------------------------------------------------------------------------


def _told(wanted: Wanted, seen: _Seen) -> bytes:
    by_code = _by_code(seen.values)
    parts = [
        {"name": "statistics", "resource": one}
        for code in _meant(wanted, seen.values)
        for one in _statistics(wanted, code, by_code.get(code, ()))
    ]
    head = encode({"resourceType": "Parameters", "parameter": parts})[:-2]
    sources = [b',{"name":"source","resource":%b}' % one for one in seen.sources]
    return head + b"".join(sources) + b"]}"


def _values(observation: dict[str, Any]) -> Iterator[Value]:
    if observation.get("status") == "entered-in-error":
        return
    seen = msgspec.convert(observation, Observed)
    apart = "modifierExtension" in observation
    if any(name.startswith(("value", "dataAbsent")) for name in observation):
        yield _value(seen.codes, observation, seen.at, apart)
    for one in observation.get("component", ()):
        part = msgspec.convert(one, Observed)
        codes = part.codes | ({("", f"panel {'|'.join(code)}") for code in seen.codes})
        yield _value(codes, one, seen.at, apart or "modifierExtension" in one)


def _value(codes: frozenset[Coding], holder: dict[str, Any], at: int, apart: bool) -> Value:
    quantity = holder.get("valueQuantity", {})
    number = quantity.get("value")
    sound = isinstance(number, Decimal | int) and not apart and at > -(2**62)
    sound = sound and quantity.get("system") == UCUM and "comparator" not in quantity and _bounded(Decimal(number))
    return Value(codes, Decimal(number) if sound else None, str(quantity.get("code", "")), at)


def _bounded(number: Decimal) -> bool:
    return len(number.as_tuple().digits) <= DIGITS and -EXPONENT < number.adjusted() < EXPONENT


def _meant(wanted: Wanted, values: Sequence[Value]) -> list[Coding]:
    """The codes asked for; for one that is a panel's, those of its components instead."""
    found: dict[Coding, None] = {}
    for system, code in wanted.codes:
        panel = [value for value in values if any(_panel(one, system, code) for one in value.codes)]
        parts = [one for value in panel for one in sorted(value.codes) if not one[1].startswith("panel ")]
        found |= dict.fromkeys(parts or [(system, code)])
    return list(found)


def _panel(one: Coding, system: str, code: str) -> bool:
    return one[1] == f"panel {system}|{code}" or (
        not system and one[1].startswith("panel ") and one[1].endswith(f"|{code}")
    )


def _by_code(values: Sequence[Value]) -> Mapping[Coding, Sequence[Value]]:
    """The values of each coding, and by ("", code) those that have the code in any system."""
    found: dict[Coding, list[Value]] = {}
    for value in values:
        for coding in {*value.codes, *(("", code) for _, code in value.codes)}:
            found.setdefault(coding, []).append(value)
    return found


def _statistics(wanted: Wanted, coding: Coding, mine: Sequence[Value]) -> Iterator[dict[str, Any]]:
    """One Observation for each unit; one without numbers where nothing was measured."""
    system, code = coding
    units: dict[str, list[Value]] = {}
    for value in mine:
        if value.number is not None:
            units.setdefault(value.unit, []).append(value)
    for unit, good in (units or {"": []}).items():
        one = series([v.number for v in good if v.number is not None], [v.at for v in good], len(mine))
        period = {name: text for name, text in zip(("start", "end"), wanted.period, strict=True) if text}
        yield {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": system, "code": code} if system else {"code": code}]},
            "subject": {"reference": wanted.subject},
            **({"effectivePeriod": period} if period else {}),
            "component": [part for name in wanted.statistics for part in _components(name, one, unit)],
        }


def _components(name: str, one: Any, unit: str) -> Iterator[dict[str, Any]]:
    if name == REGRESSION:
        found = line(one) or (None, None)
        yield _component(name, found[0], f"{unit}/h", "gradient")
        yield _component(name, found[1], unit, "intercept")
        return
    number = STATISTICS[name](one)
    of = "1" if name in BARE else f"{unit}.{unit}" if name in SQUARE else unit
    yield _component(name, None if number is None else decimal(number), of)


def _component(name: str, number: Decimal | None, unit: str, text: str = "") -> dict[str, Any]:
    code = {"coding": [{"system": SYSTEM, "code": name}], **({"text": text} if text else {})}
    if number is None:
        return {"code": code, "dataAbsentReason": ABSENT}
    return {"code": code, "valueQuantity": {"value": _plain(number), "unit": unit, "system": UCUM, "code": unit}}


def _plain(number: Decimal) -> Decimal:
    """Without an exponent, and without zeros that say nothing where it has one."""
    return Decimal(format(number, "f"))
