"""Jobs as they are kept: a FHIR Task each, whose words and lists lie in sealed blobs, since a Task is read by many."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.background import Ticket
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.kernel.tasks import SYSTEM

# Task.businessStatus while there is something to look at, and afterwards
KEPT, GONE = "kept", "gone"
OVER = frozenset({"completed", "failed", "cancelled"})


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of an outcome: `count` positions of the list from `start` on, or a blob of lines. `of`: `output`, `error` or
    `deleted`; `source`: the input it tells of."""

    type: str
    count: int
    start: int = 0
    blob: str = ""
    of: str = "output"
    source: str = ""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a job. `time` and `expires` in µs since 1970 UTC; `list` is the blob of positions, 4 bytes each."""

    time: int
    expires: int
    t: int = 0
    list: str = ""
    files: Sequence[File] = ()


class Job:
    """One Task, read from the record."""

    def __init__(self, version: Version, task: Mapping[str, Any]) -> None:
        self.version = version.version
        self.at = version.at
        self.task = dict(task)

    @property
    def id(self) -> str:
        return str(self.task["id"])

    @property
    def status(self) -> str:
        return str(self.task["status"])

    @property
    def begun(self) -> int:
        """When it was asked for, in µs since 1970 UTC."""
        return int(datetime.fromisoformat(str(self.task["authoredOn"])).timestamp() * 1e6)

    @property
    def reason(self) -> str:
        return str(self.task.get("statusReason", {}).get("text", ""))

    def blob(self, list: str, name: str) -> str:
        """The blob that `input` or `output` names; "" when there is none."""
        found = (one["valueString"] for one in self.task.get(list, ()) if one["type"].get("text") == name)
        return str(next(found, ""))

    def named(self, prefix: str) -> list[tuple[str, str]]:
        """(name, blob) of what was made so far whose names begin so."""
        found = ((str(one["type"].get("text", "")), str(one["valueString"])) for one in self.task.get("output", ()))
        return [one for one in found if one[0].startswith(prefix)]

    @property
    def blobs(self) -> list[str]:
        """Every blob that goes with the job."""
        return [one["valueString"] for list in ("input", "output") for one in self.task.get(list, ())]


class Board:
    """The jobs of one tenant, by the house's own Hall. What it writes is durable when the tenant's next group is."""

    def __init__(self, hall: Hall, at: int) -> None:
        self._hall = hall
        self._at = at

    def add(self, ticket: Ticket) -> str:
        """A requested job; its id."""
        key = secrets.token_hex(16)
        body = {
            "resourceType": "Task",
            "identifier": [{"system": SYSTEM, "value": key}],
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": SYSTEM, "code": ticket.kind}]},
            "authoredOn": datetime.fromtimestamp(self._at / 1e6, UTC).isoformat(timespec="milliseconds"),
            "businessStatus": {"coding": [{"system": SYSTEM, "code": KEPT}]},
            "input": [_named("ticket", self.keep(key, [msgspec.json.encode(ticket)]))],
        }
        return self._hall.record.write([Change("create", "Task", body=msgspec.json.encode(body))])[0].version.id

    def keep(self, key: str, data: Iterable[bytes]) -> str:
        """Keep bytes of one job, whose key makes them no other's."""
        return self._hall.blobs.put(data, label=f"job {key}")

    def drop(self, names: Sequence[str]) -> None:
        """Destroy bytes of jobs."""
        self._hall.blobs.drop(names)

    def job(self, id: str) -> Job | None:
        """A job that there is something to know of; None for any other Task, and for one that somebody else wrote: what it
        names is opened and destroyed by the house's own hand.
        """
        try:
            found = self._hall.record.read("Task", id)
        except Invalid:
            return None
        if found.caller != self._hall.caller.user:
            return None
        task = msgspec.json.decode(found.body or b"{}")
        mark = [
            one.get("code") for one in task.get("businessStatus", {}).get("coding", ()) if one.get("system") == SYSTEM
        ]
        return Job(found, task) if mark == [KEPT] else None

    def jobs(self) -> list[Job]:
        """All of those, oldest first."""
        query = search.parse(
            ("Task",), [("business-status", f"{SYSTEM}|{KEPT}"), ("_count", "1000"), ("_total", "none")]
        )
        found = self._hall.record.search(query).matches
        mine = [one for one in reversed(found) if one.caller == self._hall.caller.user]
        return [Job(one, msgspec.json.decode(one.body or b"{}")) for one in mine]

    def ticket(self, job: Job) -> Ticket:
        """Who asked for a job, and what."""
        return msgspec.json.decode(self._read(job.blob("input", "ticket")), type=Ticket)

    def outcome(self, job: Job) -> Outcome | None:
        """What came of it, if anything."""
        name = job.blob("output", "outcome")
        return msgspec.json.decode(self._read(name), type=Outcome) if name else None

    def _read(self, name: str) -> bytes:
        with self._hall.blobs.open(name) as file:
            return file.read()

    def begun(self, job: Job, worker: str) -> None:
        """It is this worker's; `Invalid` 412 when another was faster."""
        self._put(job, status="in-progress", owner={"display": worker})

    def done(self, job: Job, outcome: Outcome, *blobs: str) -> None:
        """Keep what came of it; `blobs` are those that the outcome names."""
        kept = self.keep(job.task["identifier"][0]["value"], [msgspec.json.encode(outcome)])
        named = [_named("outcome", kept), *(_named("file", one) for one in blobs)]
        self._put(job, status="completed", output=named)

    def marked(self, job: Job, **blobs: str) -> None:
        """Remember where a job stands that goes on."""
        self._put(job, output=[_named(name, blob) for name, blob in blobs.items()])

    def failed(self, job: Job, reason: str) -> None:
        """It came to nothing."""
        self._put(job, status="failed", statusReason={"text": reason})

    def gone(self, job: Job, status: str = "") -> None:
        """There is nothing to look at any more; its bytes are destroyed."""
        names = job.blobs
        for list in ("input", "output"):
            job.task.pop(list, None)
        mark = {"coding": [{"system": SYSTEM, "code": GONE}]}
        self._put(job, businessStatus=mark, **({"status": status} if status else {}))
        self._hall.blobs.drop(names)

    def _put(self, job: Job, **changes: Any) -> None:
        job.task.update(changes)
        body = msgspec.json.encode(job.task)
        change = Change("update", "Task", job.id, body, if_match=job.version)
        job.version = self._hall.record.write([change])[0].version.version


def _named(name: str, blob: str) -> dict[str, Any]:
    return {"type": {"text": name}, "valueString": blob}
