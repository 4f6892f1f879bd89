"""MeasureReports: what was counted, written to the chart with all that is needed to count it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.columnar import read
from onmaru.fhir.outcome import invalid
from onmaru.kernel import measures
from onmaru.kernel.measures import Asked
from onmaru.kernel.record import Record, bearing, pages
from onmaru.rooms.insight.counting import Count

POSITION, DIGEST, VERSION = (f"urn:onmaru:measure:{name}" for name in ("position", "digest", "version"))
CODES = "http://terminology.hl7.org/CodeSystem/measure-population"
NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_VERSION = re.compile(r"Measure/([A-Za-z0-9.-]{1,64})/_history/(\d{1,9})")
_NUMBER = re.compile(r"\d{1,15}")
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def resource(count: Count, at_us: int) -> dict[str, Any]:
    """The summary MeasureReport. Counts that would tell of few are absent, with `masked` as the reason."""
    asked, measure = count.asked, count.asked.measure
    canonical = (
        measure.url + (f"|{measure.version}" if measure.version else "") if measure.url else f"Measure/{asked.id}"
    )
    populations = [
        {"code": {"coding": [{"system": CODES, "code": one.code}], "text": one.text}, **_counted(number)}
        for one, number in zip(measure.populations, count.populations, strict=True)
    ]
    group: dict[str, Any] = {"population": populations}
    if count.score is not None:
        group["measureScore"] = {"value": round(count.score, 6)}
    return {
        "resourceType": "MeasureReport",
        "identifier": [
            {"system": POSITION, "value": str(count.t)},
            {"system": DIGEST, "value": asked.digest},
            {"system": VERSION, "value": f"Measure/{asked.id}/_history/{asked.version}"},
        ],
        "status": "complete",
        "type": "summary",
        "measure": canonical,
        "date": datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "period": {"start": f"{asked.year}-01-01", "end": f"{asked.year}-12-31"},
        "improvementNotation": {"coding": [{"system": NOTATION, "code": measure.better}]},
        "group": [group],
    }


def _counted(number: int | None) -> dict[str, Any]:
    if number is None:
        return {"_count": {"extension": [{"url": ABSENT, "valueCode": "masked"}]}}
    return {"count": number}


def write(record: Record, count: Count, at_us: int) -> dict[str, Any]:
    """Write it, anew where the same was counted before; `{id, version, position, t}`."""
    change = bearing("MeasureReport", (DIGEST, count.asked.digest), msgspec.json.encode(resource(count, at_us)))
    written = record.write([change])[-1].version
    return {"id": written.id, "version": written.version, "position": written.t, "t": count.t}


class Then(msgspec.Struct, frozen=True):
    """What a report says of itself: what was asked, at which position, and the counts."""

    id: str
    asked: Asked
    t: int
    populations: tuple[int | None, ...]

    def beside(self, now: Count) -> dict[str, Any]:
        """`{id, same, t, then, now}`."""
        return {
            "id": self.id, "same": self.populations == now.populations, "t": self.t,
            "then": self.populations, "now": now.populations,
        }  # fmt: skip


def named(record: Record, id: str) -> Then:
    """A report that was counted here, to be counted once more.

    `Invalid` 422 where it is none of this room's, 409 where the Measure's Libraries were changed since.
    """
    body = read(record.read("MeasureReport", id).body or b"{}")
    said = {one.get("system"): str(one.get("value")) for one in body.get("identifier") or ()}
    found = _VERSION.fullmatch(said.get(VERSION, ""))
    if found is None or not _NUMBER.fullmatch(said.get(POSITION, "")):
        raise invalid("value", "was not counted here", "MeasureReport.identifier", 422)
    year = str(body["period"].get("start"))[:4]
    if not _NUMBER.fullmatch(year):
        raise invalid("value", "was not counted here", "MeasureReport.period", 422)
    asked = measures.asked(record, found[1], int(year), int(found[2]))
    if asked.digest != said.get(DIGEST):
        raise invalid("conflict", "what the Measure names was changed since", "MeasureReport.identifier", 409)
    groups = body.get("group") or [{}]
    counts = tuple(one.get("count") for one in groups[0].get("population") or ())
    return Then(id, asked, int(said[POSITION]), counts)


def listed(record: Record) -> Iterator[Mapping[str, Any]]:
    """Every report of this room that the caller may see: `{id, measure, year, t, score, populations, date}`."""
    query = search.parse(("MeasureReport",), [("identifier", f"{DIGEST}|"), ("_count", "100")])
    for page in pages(record, query):
        for version in page.matches:
            yield _row(read(version.body or b"{}"))


def _row(body: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {one.get("system"): str(one.get("value")) for one in body["identifier"]}
    group = (body.get("group") or [{}])[0]
    found = _VERSION.fullmatch(said.get(VERSION, ""))
    score = (group.get("measureScore") or {}).get("value")
    populations = [
        {"text": (one.get("code") or {}).get("text"), "count": one.get("count")}
        for one in group.get("population") or ()
    ]
    return {
        "id": body["id"], "measure": found[1] if found else "", "year": str(body["period"].get("start"))[:4],
        "t": said.get(POSITION), "date": body.get("date"), "score": None if score is None else float(score),
        "populations": populations,
    }  # fmt: skip
