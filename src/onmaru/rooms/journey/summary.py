"""GET summary: identity, warnings, what is true now and the latest vital signs of one person, with where each was said."""

from __future__ import annotations

from typing import Any

from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import views
from onmaru.rooms.journey.asking import answer, asked, identifier, milliseconds, rows
from onmaru.rooms.journey.chart import Chart, chart, identity, namesakes, place, stays

SECTIONS = {"allergy": "allergies", "problem": "problems", "medication": "medications", "warning": "warnings"}
# The blood pressure panel and its parts: profile bp of hl7.fhir.r4.core 4.0.1.
_SYSTOLIC, _DIASTOLIC, _PRESSURE = (f"http://loinc.org|{code}" for code in ("8480-6", "8462-4", "85354-9"))
_WORST = ("HH", "LL", "AA", "H", "L", "A")


def summary(request: Request, hall: Hall) -> Response:
    """The header's content as JSON; 404 for an unknown patient."""
    asked(request, ())
    return answer(collect(hall, identifier(request, "id")))


def collect(hall: Hall, patient: str) -> dict[str, Any]:
    """Everything that header, print and document say at the top."""
    whole = chart(hall, patient)
    ids = list(whole.ids)
    here = stays(hall, ids)
    lying = [here[one] for one in ids if one in here]
    return {
        "patient": identity(hall, patient),
        "survivor": whole.survivor,
        "merged": whole.merged,
        "seeAlso": whole.see_also,
        "namesakes": _namesakes(hall, whole),
        "encounter": _stay(lying[0]) if lying else None,
        **sections(hall, whole),
        "vitals": vitals(hall, whole),
        **extent(hall, whole),
    }


def _namesakes(hall: Hall, whole: Chart) -> list[dict[str, str]]:
    found = namesakes(hall, list(whole.ids[: views.PAGE]))
    others = {other["id"]: other for alike in found.values() for other in alike if other["id"] not in whole.ids}
    return list(others.values())


def _stay(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": row["source"],
        "start": row["written"].partition("/")[0],
        "status": row["status"],
        "class": row["class"],
        "ko": row["ko"],
        "en": row["en"],
        "reason": row["reason"],
        "ward": row["ward_name"],
        "bed": place(row),
        "actor": row["actor_name"] or row["actor_thing"] or "",
    }


def sections(hall: Hall, whole: Chart) -> dict[str, list[dict[str, Any]]]:
    """Allergies, problems, medications and warnings that stand now, newest first."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS.values()}
    for patient in whole.ids:
        for row in rows(hall, views.CURRENT, {"patient": patient}):
            thing = row["about_thing"] or ""
            fact = {
                "source": row["source"],
                "at": row["written"],
                "code": row["code"],
                "ko": row["ko"] or thing,
                "en": row["en"] or thing,
                "status": row["status"],
                "severity": row["severity"],
                "detail": row["detail"],
            }
            found[SECTIONS[row["section"]]].append(fact)
    return found


def vitals(hall: Hall, whole: Chart) -> list[dict[str, Any]]:
    """The latest value of each vital sign; systolic and diastolic of one measurement are one blood pressure."""
    latest: dict[str, dict[str, Any]] = {}
    for patient in whole.ids:
        for row in rows(hall, views.VITALS, {"patient": patient}):
            held = latest.get(row["code"])
            if held is None or row["low"] > held["low"]:
                latest[row["code"]] = row
    return [_vital(row) for row in _paired(latest)]


def _paired(latest: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    upper, lower = latest.get(_SYSTOLIC), latest.get(_DIASTOLIC)
    if not upper or not lower or upper["source"] != lower["source"] or upper["unit"] != lower["unit"]:
        return list(latest.values())
    flags = {upper["flag"], lower["flag"]}
    pressure = {
        **upper,
        "code": _PRESSURE,
        "ko": "혈압",
        "en": "Blood pressure",
        "value": f"{upper['value']}/{lower['value']}",
        "number": None,
        "flag": next((flag for flag in _WORST if flag in flags), ""),
        "range_low": "",
        "range_high": "",
    }
    rest = [row for code, row in latest.items() if code not in (_SYSTOLIC, _DIASTOLIC)]
    return [pressure, *rest]


def _vital(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": row["source"],
        "code": row["code"],
        "ko": row["ko"],
        "en": row["en"],
        "at": row["written"],
        "time": milliseconds(row["low"]),
        "value": row["value"],
        "unit": row["unit"],
        "flag": row["flag"],
        "status": row["status"],
        "rangeLow": row["range_low"],
        "rangeHigh": row["range_high"],
    }


def extent(hall: Hall, whole: Chart) -> dict[str, Any]:
    """`{kinds: [{kind, n, undated}], total, from, to}` over the whole chart; times in ms, None when nothing has one."""
    counts: dict[str, dict[str, Any]] = {}
    lows: list[int] = []
    for patient in whole.ids:
        for row in rows(hall, views.EXTENT, {"patient": patient}):
            held = counts.setdefault(row["kind"], {"kind": row["kind"], "n": 0, "undated": 0})
            held["n"] += row["n"]
            held["undated"] += row["undated"]
            lows += [bound for bound in (row["low"], row["last"]) if bound is not None]
    return {
        "kinds": list(counts.values()),
        "total": sum(one["n"] for one in counts.values()),
        "from": milliseconds(min(lows)) if lows else None,
        "to": milliseconds(max(lows)) if lows else None,
    }
