"""The room's follower: plans, what came from home, attempts to reach somebody, and what asks for attention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.remote import attention, plan
from onmaru.rooms.remote.moments import moment
from onmaru.rooms.remote.plan import MINE, SYSTEM, first, whose
from onmaru.rooms.remote.readings import got

PLAN = Table("remote_plan", (("plan", "text"), ("going", "int"), ("body", "text")), "hot", ("going",))
GOT = Table(
    "remote_got",
    (
        ("key", "text"), ("at", "int"), ("known", "int"), ("value", "text"), ("unit", "text"), ("device", "text"),
        ("matter", "text"),
    ),
    "hot",
    ("at",),
)  # fmt: skip
CONTACT = Table(
    "remote_contact",
    (("plan", "text"), ("at", "int"), ("answered", "int"), ("how", "text"), ("by", "text"), ("note", "text")),
    "hot",
    ("at",),
)
ATTENTION = Table(
    "remote_attention",
    (
        ("plan", "text"), ("reason", "text"), ("key", "text"), ("at", "int"), ("standing", "int"), ("closed", "int"),
        ("body", "text"),
    ),
    "hot",
    ("standing", "at"),
)  # fmt: skip
# What a Communication's status says of an attempt; anything else: nobody knows yet
ANSWERED: Mapping[str, int] = {"completed": 1, "not-done": 0}


class Remote:
    """Projection door (kernel/projection.py)."""

    name = "remote"
    version = 1
    types: frozenset[str] = frozenset({"CarePlan", "Observation", "QuestionnaireResponse", "Communication", "Task"})
    tables: tuple[Table, ...] = (PLAN, GOT, CONTACT, ATTENTION)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion or an erasure."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(_rows(version)) if version.body is not None else ()


def _rows(version: Version) -> Iterator[Row]:
    raw = version.body or b"{}"
    # Most of a house's versions are of a ward: they are not even decoded
    if version.type != "QuestionnaireResponse" and MINE not in raw:
        return
    if version.type in ("Observation", "QuestionnaireResponse"):
        for patient, body, one in got(version.type, raw, version.at):
            yield Row(GOT.name, patient, labels_of(body), (one.key, one.at, version.at, *one[2:]))
        return
    body = msgspec.json.decode(raw)
    if version.type == "CarePlan":
        yield from _plan(body, raw)
    elif version.type == "Communication":
        yield from _contact(body)
    else:
        found = attention.read(body)
        if found is not None and found.patient:
            open_ = int(found.closed is None)
            values = (found.plan, found.reason, found.key, found.at, open_, found.closed, raw.decode())
            yield Row(ATTENTION.name, found.patient, labels_of(body), values)


def _plan(body: Mapping[str, Any], raw: bytes) -> Iterator[Row]:
    found = plan.read(body)
    if found is not None:
        going = int(found.status in plan.STANDING)
        yield Row(PLAN.name, found.patient, labels_of(body), (found.id, going, raw.decode()))


def _contact(body: Mapping[str, Any]) -> Iterator[Row]:
    codings = [one for concept in body.get("category") or [] for one in concept.get("coding") or []]
    about = str(first(body.get("basedOn")).get("reference", ""))
    patient = whose(body.get("subject"))
    at = moment(body.get("sent"))
    if not any(one.get("system") == SYSTEM and one.get("code") == "contact" for one in codings) or at is None:
        return
    if about.startswith("CarePlan/") and patient:
        how = str(first(body.get("medium")).get("text", ""))
        by = str(((body.get("sender") or {}).get("identifier") or {}).get("value", ""))
        note = str(first(body.get("note")).get("text", ""))
        answered = ANSWERED.get(str(body.get("status")), None)
        values = (about.removeprefix("CarePlan/"), at, answered, how, by, note)
        yield Row(CONTACT.name, patient, labels_of(body), values)
