"""Dead letters: what a door could not take, kept as a Task with its bytes in Blobs until somebody mends and replays it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from onmaru.adapters import reasons
from onmaru.adapters.escaping import escape
from onmaru.adapters.hl7v2 import charset, er7
from onmaru.adapters.receipt import Receipt, Source
from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall

SYSTEM = "urn:onmaru:task"
CODE = "dead-letter"
_OPEN = "requested"
_STATES = {"open": _OPEN, "replayed": "completed", "": ""}
_SHOWN = {"requested": "open", "completed": "replayed"}
Take = Callable[[Hall, bytes, Source], Receipt]
Json = dict[str, Any]


def bury(hall: Hall, data: bytes, source: Source, receipt: Receipt, at: str) -> tuple[str, int]:
    """Keep bytes that were not taken; the same bytes at the same door are one open letter. Gives (id, position)."""
    change = letter(hall.blobs.put([data], label="dead-letter"), len(data), source, receipt, at)
    written = hall.record.write([change])[0]
    return written.version.id, written.version.t


def letter(blob: str, size: int, source: Source, receipt: Receipt, at: str) -> Change:
    """The letter of bytes that are kept as `blob`, for a transaction to write; none where one is open of them."""
    inputs = {
        "blob": blob,
        "door": source.door,
        "source": source.name,
        "format": source.format,
        "code": receipt.code,
        "reason": receipt.reason or "not taken",
        "where": receipt.location,
        "size": str(size),
        "lines": str(source.lines or ""),
        "zone": source.zone,
        "promised": source.promised,
    }
    key = "/".join(part for part in (source.door, blob, source.promised) if part)
    task: Json = {
        "resourceType": "Task",
        "identifier": [{"system": SYSTEM, "value": key}],
        "status": _OPEN,
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": CODE}]},
        "authoredOn": at,
        "input": [{"type": {"text": name}, "valueString": value} for name, value in inputs.items() if value],
    }
    guard = search.parse(("Task",), [("identifier", f"{SYSTEM}|{escape(key)}"), ("status", _OPEN)])
    return Change("create", "Task", body=msgspec.json.encode(task), if_none_exist=guard)


class DeadLetters:
    """The list of dead letters, for the command line and the web. `take` is the door that replays them."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def page(self, hall: Hall, state: str = "open") -> Mapping[str, Any]:
        """`{"items": [{id, at, door, format, reason, problems, where, state, size}], "total"}`, newest first, at most 200.

        `reason` is in the Hall's language, `problems` its codes with their parameters and places.
        """
        if state not in _STATES:
            raise invalid("value", "state is open, replayed or empty", "state")
        pairs = [("code", f"{SYSTEM}|{CODE}"), ("_count", "200")]
        if _STATES[state]:
            pairs.append(("status", _STATES[state]))
        found = hall.record.search(search.parse(("Task",), pairs))
        return {"items": [_item(version, hall.language) for version in found.matches], "total": found.total}

    def one(self, hall: Hall, id: str) -> Mapping[str, Any]:
        """One letter with its text: the mended one where there is one."""
        version, task = self._read(hall, id)
        return {**_item(version, hall.language), "text": _text(self._bytes(hall, task))}

    def mend(self, hall: Hall, id: str, text: str) -> Mapping[str, Any]:
        """Keep a mended text beside the bytes that came; 409 when the letter is not open."""
        version, task = self._open(hall, id)
        blob = hall.blobs.put([_bytes(text)], label="dead-letter")
        _put(task, "mended", blob)
        self._write(hall, version, task)
        return {**_item(version, hall.language), "text": text}

    def replay(self, hall: Hall, id: str) -> Mapping[str, Any]:
        """Give the letter to its door again; `{"state", "reason"}`. It is closed only when it was taken whole."""
        version, task = self._open(hall, id)
        kept = inputs(task)
        source = Source("replay", kept.get("source", ""), kept.get("format", ""), promised=kept.get("promised", ""))
        if kept.get("zone"):
            source = msgspec.structs.replace(source, zone=kept["zone"])
        receipt = self._take(hall, self._bytes(hall, task), source)
        # Of a letter of many lines those that were refused again have letters of their own by now
        parted = bool(kept.get("lines")) and 0 < receipt.rejected == receipt.dead
        if parted or (receipt.ack == "AA" and not receipt.rejected):
            task["status"] = "completed"
            task.pop("statusReason", None)
        else:
            _put(task, "reason", receipt.reason or "not taken")
            _put(task, "where", receipt.location)
        self._write(hall, version, task)
        return {"state": _SHOWN[task["status"]], "reason": reasons.told(receipt.reason, hall.language)}

    def _read(self, hall: Hall, id: str) -> tuple[Version, Json]:
        version = hall.record.read("Task", id)
        task: Json = msgspec.json.decode(version.body or b"{}")
        if not any(c.get("code") == CODE and c.get("system") == SYSTEM for c in task.get("code", {}).get("coding", [])):
            raise invalid("not-found", "no such dead letter", status=404)
        return version, task

    def _open(self, hall: Hall, id: str) -> tuple[Version, Json]:
        version, task = self._read(hall, id)
        if task["status"] != _OPEN:
            raise invalid("conflict", "the dead letter is no longer open", status=409)
        return version, task

    def _bytes(self, hall: Hall, task: Json) -> bytes:
        kept = inputs(task)
        with hall.blobs.open(kept.get("mended") or kept.get("blob", "")) as file:
            return file.read()

    def _write(self, hall: Hall, version: Version, task: Json) -> None:
        body = msgspec.json.encode(task)
        hall.record.write([Change("update", "Task", version.id, body, if_match=version.version)])


def _bytes(text: str) -> bytes:
    """A mended text as bytes: a v2 message in the character set that its MSH-18 names, with CR between its segments."""
    if text[:3] not in ("MSH", "FHS", "BHS"):
        return text.encode()
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    head = er7.header(text.split("\r", 1)[0].encode("utf-8"))
    codec = charset.codec_of(head.first(18).raw) if head is not None else ""
    try:
        return text.encode(codec or "utf-8")
    except UnicodeEncodeError:
        return text.encode()


def inputs(task: Json) -> dict[str, str]:
    """What a letter's Task keeps by name: blob, mended, door, source, format, code, reason, where, size, lines, zone,
    promised.

    A Task that somebody else wrote may say anything: what it does not say is "".
    """
    return {_label(one): one.get("valueString", "") for one in task.get("input", [])}


def _label(one: Json) -> str:
    return str(one["type"].get("text", ""))


def _put(task: Json, name: str, value: str) -> None:
    kept = [one for one in task.get("input", []) if _label(one) != name]
    task["input"] = [*kept, {"type": {"text": name}, "valueString": value}] if value else kept


def _item(version: Version, language: reasons.Language) -> Json:
    task = msgspec.json.decode(version.body or b"{}")
    kept = inputs(task)
    return {
        "id": version.id,
        "at": task.get("authoredOn", ""),
        "door": kept.get("door", ""),
        "format": kept.get("format", ""),
        "reason": reasons.told(kept.get("reason", ""), language),
        "problems": msgspec.to_builtins(reasons.reasons(kept.get("reason", ""))),
        "where": kept.get("where", ""),
        "state": _SHOWN.get(task.get("status", ""), task.get("status", "")),
        "size": int(size) if (size := kept.get("size", "")).isdecimal() and len(size) < 19 else 0,
    }


def _text(data: bytes) -> str:
    """Bytes as text that a person can mend: v2 segments one a line."""
    for codec in ("utf-8", "cp949"):
        try:
            return data.decode(codec).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    return data.decode("iso8859-1").replace("\r", "\n")
