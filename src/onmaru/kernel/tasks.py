"""Jobs on the Record: a job is a FHIR Task with a code of ours, found by its key, claimed by a version-checked update."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.jobs import Job
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change, Record

SYSTEM = "urn:onmaru:job"


class TaskJobs:
    """The Jobs door (kernel/jobs.py) over any Record."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def enqueue(self, kind: str, key: str, input: Mapping[str, str]) -> str:
        """Ask for work once: a second request with the same key gives the first one's id."""
        body = {
            "resourceType": "Task",
            "identifier": [{"system": SYSTEM, "value": key}],
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": SYSTEM, "code": kind}]},
            "input": [{"type": {"text": name}, "valueString": value} for name, value in input.items()],
        }
        if not input:
            del body["input"]
        condition = search.parse(("Task",), [("identifier", f"{SYSTEM}|{key}")])
        change = Change("create", "Task", body=msgspec.json.encode(body), if_none_exist=condition)
        return self._record.write([change])[0].version.id

    def claim(self, kinds: frozenset[str], worker: str) -> Job | None:
        """The oldest requested job of these kinds, now in progress and ours; None when there is none."""
        codes = ",".join(f"{SYSTEM}|{kind}" for kind in sorted(kinds))
        query = search.parse(
            ("Task",), [("status", "requested"), ("code", codes), ("_sort", "_lastUpdated"), ("_count", "5")]
        )
        for version in self._record.search(query).matches:
            task = msgspec.json.decode(version.body or b"{}")
            task["status"] = "in-progress"
            task["owner"] = {"display": worker}
            try:
                self._update(version, task)
            except Invalid:
                continue  # another worker was faster
            return _job(version.id, task)
        return None

    def finish(self, id: str, *, ok: bool, note: str = "") -> None:
        """Close a job; a job that failed keeps the reason."""
        version = self._record.read("Task", id)
        task = msgspec.json.decode(version.body or b"{}")
        task["status"] = "completed" if ok else "failed"
        if note:
            task["statusReason"] = {"text": note}
        self._update(version, task)

    def _update(self, version: Version, task: object) -> None:
        body = msgspec.json.encode(task)
        self._record.write([Change("update", "Task", version.id, body, if_match=version.version)])


def _job(id: str, task: Mapping[str, object]) -> Job:
    read = msgspec.convert(task, _Task)
    key = next((one.value for one in read.identifier if one.system == SYSTEM), "")
    kind = next((one.code for one in read.code.coding if one.system == SYSTEM), "")
    return Job(id, kind, key, {one.type.text: one.valueString for one in read.input})


class _Coding(msgspec.Struct):
    system: str = ""
    code: str = ""
    value: str = ""


class _Concept(msgspec.Struct):
    coding: list[_Coding] = []
    text: str = ""


class _Input(msgspec.Struct):
    type: _Concept
    valueString: str = ""


class _Task(msgspec.Struct):
    code: _Concept
    identifier: list[_Coding] = []
    input: list[_Input] = []
