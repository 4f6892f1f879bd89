"""Pure: a replay without whatever could name somebody.

Its one law: what is kept is what is known to name nobody; everything that people wrote in words of their own is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from onmaru.fhir.fhirpath import ucum
from onmaru.rooms.monitor.alerts.alert import ACTS, HOUSE, OUTCOMES
from onmaru.rooms.monitor.alerts.rules import RUNGS, URGENCIES, shipped
from onmaru.rooms.monitor.reading import WRITTEN

Event = dict[str, Any]
_PLAIN = re.compile(r"[a-z][a-z-]{0,30}")
# A code of a public code system; a site's own codes may be anything
_CODE = re.compile(
    r"(http://snomed\.info/sct|http://loinc\.org|http://hl7\.org/fhir/sid/icd-10(-cm)?|http://www\.whocc\.no/atc"
    r"|http://www\.nlm\.nih\.gov/research/umls/rxnorm|http://terminology\.hl7\.org/CodeSystem/[\w-]{1,60})\|[A-Za-z0-9.-]{1,18}",
    re.ASCII,
)
STEPS = ("acknowledge", "act", "snooze", "hand-over", "outcome", "worse", "again", "ended", "resume")


def left_out(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The replay with times in µs from its start, people and alerts by number, and codes in place of words."""
    names = _Numbers(int(whole["from"]))
    events = [KEPT[one["kind"]](one, names) for one in whole["events"]]
    until = whole["to"] - whole["from"]
    return {"from": 0, "to": until, "fresh": whole["fresh"], "events": events, "names": "left out"}


class _Numbers:
    """Who and what came first, second, third."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._people: dict[str, str] = {}
        self._things: dict[str, str] = {}

    def at(self, at: int | None) -> int | None:
        return None if at is None else at - self._since

    def person(self, name: str) -> str:
        if name in ("", HOUSE):
            return name
        return self._people.setdefault(name, f"person {len(self._people) + 1}")

    def thing(self, id: str) -> str:
        return self._things.setdefault(id, f"{len(self._things) + 1}") if id else ""


def _reading(one: Event, names: _Numbers) -> Event:
    readings = [
        {"measure": each["measure"], "value": each["value"], "unit": _unit(each["unit"]), "at": names.at(each["at"])}
        for each in one["readings"]
    ]
    kept = {"kind": "reading", "what": one["what"], "source": names.thing(one["source"]), "readings": readings}
    return {"at": names.at(one["at"]), **kept}


def _unit(text: str) -> str:
    """A unit that is one; a sender may write anything there."""
    written = WRITTEN.get(text.strip().lower(), text.strip())
    return written if len(written) <= 16 and ucum.unit(written) is not None and "{" not in written else ""


def _score(one: Event, names: _Numbers) -> Event:
    parts = [
        {**{name: value for name, value in part.items() if name != "source"}, "at": names.at(part["at"] or None) or 0}
        for part in one["parts"]
    ]
    parts = [{**part, "unit": _unit(part["unit"])} for part in parts]
    return {**one, "at": names.at(one["at"]), "parts": parts}


def _limit(one: Event, names: _Numbers) -> Event:
    times = {name: names.at(one[name]) for name in ("at", "start", "end")}
    return {"kind": "limit", "what": one["what"], "rule": _rule(one["rule"]), "value": one["value"], **times}


def _rule(name: str) -> str:
    known = {rule.name for rule in shipped()} | {"unreached", "news2-scale"}
    return name if name in known else ""


def _alert(one: Event, names: _Numbers) -> Event:
    kept = {"at": names.at(one["at"]), "kind": "alert", "what": one["what"], "id": names.thing(one["id"])}
    if one["what"] == "gone":
        return kept
    urgency = one["urgency"] if one["urgency"] in URGENCIES else ""
    about = names.thing(one["about"])
    return {**kept, "rule": _rule(one["rule"]), "urgency": urgency, "raised": names.at(one["raised"]), "about": about}


def _step(one: Event, names: _Numbers) -> Event:
    first = one["text"].partition(" ")[0]
    text = first if first in (*ACTS, *OUTCOMES) or (one["code"] == "snooze" and first.isdigit()) else ""
    code = one["code"] if one["code"] in STEPS else ""
    times = {"at": names.at(one["at"]), "done": names.at(one["done"])}
    return {
        **times,
        "kind": "step",
        "id": names.thing(one["id"]),
        "code": code,
        "by": names.person(one["by"]),
        "text": text,
    }


def _told(one: Event, names: _Numbers) -> Event:
    users = " ".join(names.person(name) for name in one["users"].split())
    times = {name: names.at(one[name]) for name in ("at", "sent", "reached")}
    rung = one["rung"] if one["rung"] in RUNGS else ""
    return {**times, "kind": "told", "id": names.thing(one["id"]), "rung": rung, "users": users,
            "reader": names.person(one["reader"])}  # fmt: skip


def _care(one: Event, names: _Numbers) -> Event:
    """By its code; of the words and of the time that it says itself nothing stays."""
    code = one["code"] if _CODE.fullmatch(one["code"]) else ""
    status = one["status"] if _PLAIN.fullmatch(one["status"]) else ""
    kept = {"kind": "care", "what": one["what"], "type": one["type"], "status": status, "code": code}
    return {"at": names.at(one["at"]), **kept, "id": names.thing(f"{one['type']}/{one['id']}")}


KEPT: Mapping[str, Callable[[Event, _Numbers], Event]] = {
    "reading": _reading,
    "score": _score,
    "limit": _limit,
    "alert": _alert,
    "step": _step,
    "told": _told,
    "care": _care,
}
