"""What the house does of itself: makes readings of what patients enter, and asks for somebody where a plan says so.

Its one law: each thing it writes has an id of its cause, so what is done twice is done once and what was lost is done later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.outbound import Letter
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.remote import attention, plan, views
from onmaru.rooms.remote.attention import Attention, named
from onmaru.rooms.remote.cases import Case, cases
from onmaru.rooms.remote.moments import DAY, MINUTE
from onmaru.rooms.remote.plan import MINE, STANDING, SYSTEM
from onmaru.rooms.remote.readings import ENTRY, items

TYPES = frozenset({"CarePlan", "Observation", "QuestionnaireResponse", "Communication", "Task"})
# What is followed anew after a start; how often everybody is looked at because time passed; how many at a time
LOOK_BACK, ROUND, SOME = DAY, MINUTE, 5
# Tables follow the log a moment later: whoever was touched is looked at more than once
LOOKS = 3
DONE = frozenset({409, 412})
ATTEMPTS = 20
# Digits stay as they were written
_DECODER, _ENCODER = msgspec.json.Decoder(float_hook=Decimal), msgspec.json.Encoder(decimal_format="number")


class Reactor:
    """Of one tenant (kernel/room.py)."""

    def __init__(self, hall: Hall, now: int) -> None:
        self._since = now - LOOK_BACK
        self._entries: deque[tuple[Version, int]] = deque()
        self._touched: dict[str, int] = {}
        self._queue: deque[str] = deque()
        self._round = 0
        # Tasks that were closed, perhaps as alerts elsewhere: their Flags end too
        self._closed: deque[tuple[str, int]] = deque()

    @property
    def learns(self) -> int:
        """Versions from here on are taken again; nothing is learnt without being done."""
        return self._since

    def take(self, versions: Sequence[Version]) -> None:
        """Note whose plans may stand otherwise now, and what patients entered."""
        for version in versions:
            if version.type not in TYPES or version.body is None:
                continue
            # Most of a house's versions are of a ward: they are not even decoded
            if version.type != "QuestionnaireResponse" and MINE not in version.body:
                continue
            body = msgspec.json.decode(version.body)
            patient = plan.whose(body.get("subject") or body.get("for"))
            if not patient:
                continue
            self._touched[patient] = LOOKS
            if version.type == "Task" and (found := attention.read(body)) and found.closed is not None:
                self._closed.append((version.id, 0))
            if version.type == "QuestionnaireResponse" and version.version == 1 and body.get("questionnaire") == ENTRY:
                self._entries.append((version, 0))

    def act(self, hall: Hall, now: int) -> Sequence[Letter]:
        """Make a few readings, look at a few patients; nothing is sent."""
        for _ in range(min(SOME, len(self._entries))):
            version, tried = self._entries.popleft()
            if not _entered(hall, version) and tried < ATTEMPTS:
                self._entries.append((version, tried + 1))
        for _ in range(min(SOME, len(self._closed))):
            id, tried = self._closed.popleft()
            if not _ended(hall, id) and tried < ATTEMPTS:
                self._closed.append((id, tried + 1))
        for patient in self._due(hall, now):
            for one in cases(hall, now, one=patient):
                _look(hall, one)
        return ()

    def _due(self, hall: Hall, now: int) -> Sequence[str]:
        """Those of whom something was written, twice; then, once a minute, everybody in turn."""
        some = list(self._touched)[:SOME]
        for patient in some:
            self._touched[patient] -= 1
            if not self._touched[patient]:
                del self._touched[patient]
        if not self._queue and now >= self._round + ROUND:
            self._round = now
            rows = hall.lake.query(views.PLANS, {"plan": "", "one": "", "over": 0}).table.to_pylist()
            self._queue.extend(dict.fromkeys(str(row["patient"]) for row in rows))
        turn = [self._queue.popleft() for _ in range(min(SOME - len(some), len(self._queue)))]
        return list(dict.fromkeys([*some, *turn]))


def asked_for(found: Case) -> Iterator[Attention]:
    """Pure: what of a plan asks for somebody and does not do so yet."""
    mine, stands = found.plan, found.standing
    if mine.status not in STANDING or stands.state == "ended":
        return
    open_ = {(one.reason, one.key) for one in found.open}
    for key, readings in found.readings.items():
        if ("threshold", key) in open_:
            continue
        over = max(
            (one.closed or 0 for one in found.attention if (one.reason, one.key) == ("threshold", key)), default=0
        )
        # The first one since somebody said what came of the last: the same whenever anybody looks
        fresh = [one for one in readings if one["crossed"] and one["known"] > over]
        if fresh:
            first = min(fresh, key=lambda one: (one["known"], one["source"]))
            id = named(mine.id, "threshold", f"{key}|{first['source']}|{first['known']}")
            text = f"{first['value']} {first['unit']}".strip()
            yield Attention(id, mine.patient, mine.id, "threshold", key, text, first["known"], "requested", "", None)
    if stands.state == "unreachable" and ("unreachable", "") not in open_:
        id = named(mine.id, "unreachable", str(stands.quiet))
        failed = sorted(one["at"] for one in found.contacts if one["answered"] == 0 and one["at"] > stands.quiet)
        at = max(stands.quiet + mine.silence, failed[mine.attempts - 1])
        yield Attention(id, mine.patient, mine.id, "unreachable", "", "", at, "requested", "", None)


def _look(hall: Hall, found: Case) -> None:
    for one in asked_for(found):
        task, flag = attention.written(found.plan, one, str(hall.settings["ward"]))
        _made(hall, [flag, task])


def _ended(hall: Hall, id: str) -> bool:
    """Whether the Flag of a closed Task is no longer active; somebody else's step is seen next time."""
    try:
        body = msgspec.json.decode(hall.record.read("Task", id).body or b"{}")
        standing = hall.record.read("Flag", id)
        found = attention.read(body)
        if found is None or found.closed is None or b'"inactive"' in (standing.body or b""):
            return True
        ended = _ENCODER.encode(attention.over(body, found.closed))
        hall.record.write([Change("update", "Flag", id, ended, if_match=standing.version)])
    except Invalid as error:
        return error.status in (404, 410)
    return True


def _entered(hall: Hall, version: Version) -> bool:
    """One Observation for each value of an entry that a standing plan of the patient asks for; whether all are there."""
    # Whoever does not say when it was measured said it when it came
    body = {"authored": instant(version.at), **_DECODER.decode(version.body or b"{}")}
    patient = plan.whose(body.get("subject"))
    rows = hall.lake.query(views.PLANS, {"plan": "", "one": patient, "over": 0}).table.to_pylist()
    read = [found for row in rows if (found := plan.read(msgspec.json.decode(row["body"])))]
    wanted = {one.key for found in read for one in found.activities if one.kind == "measure"}
    made = [
        observation(body, item, answers[0]["valueQuantity"])
        for item in items(body)
        if item.get("linkId") in wanted
        and len(answers := item.get("answer") or []) == 1
        and "valueQuantity" in answers[0]
    ]
    # Each is tried, whatever became of the one before
    done = [_made(hall, [one]) for one in made]
    return all(done)


def observation(body: Mapping[str, Any], item: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """The Observation that one answer of an entry is: the patient's own word, and said to be so."""
    system, _, code = str(item["linkId"]).rpartition("|")
    name = blake2b(f"{body['id']}|{item['linkId']}".encode(), digest_size=16).hexdigest()
    return {
        "resourceType": "Observation",
        "id": f"home-{name}",
        "status": "final",
        "category": [{"coding": [{"system": SYSTEM, "code": "home"}]}],
        "code": {"coding": [{"system": system, "code": code}]} | ({"text": item["text"]} if item.get("text") else {}),
        "subject": body["subject"],
        "effectiveDateTime": body["authored"],
        "performer": [body["subject"]],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{body['id']}"}],
        "valueQuantity": dict(value),
    }


def _made(hall: Hall, bodies: Sequence[Mapping[str, Any]]) -> bool:
    """Whether they are there, made by us, before or by another worker."""
    changes = [
        Change("update", str(one["resourceType"]), str(one["id"]), _ENCODER.encode(one), absent=True) for one in bodies
    ]
    try:
        hall.record.write(changes)
    except Invalid as error:
        return error.status in DONE
    return True
