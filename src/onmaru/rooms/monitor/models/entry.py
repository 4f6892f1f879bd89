"""A model in the record: a Library that holds it, and a Task for each step that somebody took with it.

Its one law: an entry says nothing of its own state; that is what the steps in the log add up to (`standing.py`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from onmaru.fhir import search
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.alerts.alert import SYSTEM, coded, person, user

MODEL, PACKED = "risk-model", "risk-model-pack"
DIGEST = "urn:onmaru:sha256"
PACK, CARD, FIGURES = "application/zstd", "text/markdown", "application/json"
Kind = Literal["limits", "back-test", "watch", "approval", "withdrawal"]
KINDS: tuple[Kind, ...] = ("limits", "back-test", "watch", "approval", "withdrawal")
PAGE = 100


class Entry(msgspec.Struct, frozen=True):
    """One version of a model. `t`: the position at which it was registered as it is; `digest`: of what makes it answer."""

    id: str
    name: str
    version: str
    digest: str
    t: int
    at: int
    by: str
    title: str
    card: str
    figures: Mapping[str, Any]


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a figure has to be, at least and at most; None: no such end."""

    least: float | None = None
    most: float | None = None


class Step(msgspec.Struct, frozen=True):
    """One step as it stands in the log. `by`: who wrote this very version; `named`: whom it says that it is of.

    `cites`: the versions of other steps that it stands on, `Task/ID/_history/N`. `said`: the reason, in words.
    """

    kind: Kind
    name: str
    entry: str
    t: int
    at: int
    by: str
    named: str
    digest: str
    said: str
    limits: Mapping[str, Limit] = {}
    figures: Mapping[str, Any] = {}
    cites: tuple[str, ...] = ()


def entry_id(name: str, version: str) -> str:
    """The Library's id; a name and a version are letters, digits and hyphens."""
    return f"model-{name}-{version}"


def pack_id(entry: str) -> str:
    """The id of the Library that holds what an entry is of: apart, since it is large and seldom read."""
    return f"{entry}-pack"


def packing(entry: str, digest: str, raw: bytes) -> dict[str, Any]:
    """The Library that holds a packed model."""
    return {
        "resourceType": "Library",
        "id": pack_id(entry),
        "identifier": [{"system": DIGEST, "value": digest}],
        "status": "draft",
        "type": {"coding": [{"system": SYSTEM, "code": PACKED}]},
        "content": [{"contentType": PACK, "data": b64encode(raw).decode()}],
    }


def library(name: str, version: str, digest: str, title: str, parts: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    """The Library of a model; `parts`: media type and bytes of card and figures."""
    return {
        "resourceType": "Library",
        "id": entry_id(name, version),
        "url": f"urn:onmaru:monitor:model:{name}",
        "identifier": [{"system": DIGEST, "value": digest}],
        "version": version,
        "name": name,
        "title": title,
        "status": "draft",
        "experimental": True,
        "type": {"coding": [{"system": SYSTEM, "code": MODEL}]},
        "relatedArtifact": [{"type": "composed-of", "resource": f"Library/{pack_id(entry_id(name, version))}"}],
        "content": [{"contentType": kind, "data": b64encode(raw).decode()} for kind, raw in parts],
    }


def step(kind: Kind, entry: str, by: str, at: int, **said: Any) -> dict[str, Any]:
    """The Task of a step: `digest`, `reason`, `limits`, `figures`, `cites` as in Step, each only where it is said."""
    parts: list[dict[str, Any]] = [{"type": {"text": "digest"}, "valueString": said.get("digest", "")}]
    for name, limit in said.get("limits", {}).items():
        for end, value in msgspec.to_builtins(limit).items():
            parts.append({"type": {"text": f"{end} {name}"}, "valueDecimal": value})
    if said.get("figures"):
        raw = b64encode(msgspec.json.encode(said["figures"])).decode()
        parts.append({"type": {"text": "figures"}, "valueAttachment": {"contentType": FIGURES, "data": raw}})
    parts += [{"type": {"text": "stands on"}, "valueReference": {"reference": one}} for one in said.get("cites", ())]
    body: dict[str, Any] = {
        "resourceType": "Task",
        "status": "completed",
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": f"model-{kind}"}]},
        "focus": {"reference": f"Library/{entry}"},
        "authoredOn": instant(at),
        "requester": person(by),
        "input": [one for one in parts if one.get("valueString") != ""],
    }
    return body | ({"reasonCode": {"text": said["reason"]}} if said.get("reason") else {})


def entries(hall: Hall) -> Sequence[Entry]:
    """Every model of the tenant, the newest registered first."""
    found = (_entry(one) for one in _found(hall, "Library", ("type", f"{SYSTEM}|{MODEL}")))
    return sorted((one for one in found if one is not None), key=lambda one: -one.t)


def steps(hall: Hall) -> Sequence[Step]:
    """Every step of every model, in the order of the log."""
    codes = ",".join(f"{SYSTEM}|model-{kind}" for kind in KINDS)
    found = (_step(one) for one in _found(hall, "Task", ("code", codes)))
    return sorted((one for one in found if one is not None), key=lambda one: one.t)


def pack(body: bytes) -> bytes:
    """The packed model in the Library of a pack; b"" where it has none."""
    return _part(msgspec.json.decode(body), PACK)


def _found(hall: Hall, type: str, *pairs: tuple[str, str]) -> list[Version]:
    query = search.parse((type,), [*pairs, ("_count", str(PAGE))])
    return [version for page in pages(hall.record, query) for version in page.matches]


def _entry(version: Version) -> Entry | None:
    body = msgspec.json.decode(version.body or b"{}")
    digest = next((one["value"] for one in body.get("identifier") or [] if one.get("system") == DIGEST), "")
    if coded(body.get("type"), SYSTEM) != MODEL or not digest:
        return None
    try:
        figures = msgspec.json.decode(_part(body, FIGURES) or b"{}", type=dict[str, Any])
        card = _part(body, CARD).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Entry(
        version.id, str(body.get("name", "")), str(body.get("version", "")), digest, version.t, version.at,
        version.caller, str(body.get("title", "")), card, figures,
    )  # fmt: skip


def _part(body: Mapping[str, Any], kind: str) -> bytes:
    found = (one.get("data", "") for one in body.get("content") or [] if one.get("contentType") == kind)
    return b64decode(next(found, ""))


def _step(version: Version) -> Step | None:
    body = msgspec.json.decode(version.body or b"{}")
    kind = coded(body.get("code"), SYSTEM).removeprefix("model-")
    if kind not in KINDS or body.get("status") != "completed":
        return None
    parts = [(str((one.get("type") or {}).get("text", "")), one) for one in body.get("input") or []]
    try:
        figures = next((b64decode(one["valueAttachment"]["data"]) for name, one in parts if name == "figures"), b"{}")
        told = msgspec.json.decode(figures, type=dict[str, Any])
    except (msgspec.DecodeError, KeyError, ValueError):
        return None
    return Step(
        kind, f"{version.name}/_history/{version.version}",
        str((body.get("focus") or {}).get("reference", "")).removeprefix("Library/"), version.t, version.at,
        version.caller, user(body.get("requester")),
        next((str(one.get("valueString", "")) for name, one in parts if name == "digest"), ""),
        str((body.get("reasonCode") or {}).get("text", "")), _limits(parts), told,
        tuple(str((one.get("valueReference") or {}).get("reference", "")) for name, one in parts if name == "stands on"),
    )  # fmt: skip


def _limits(parts: Sequence[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Limit]:
    found: dict[str, dict[str, float]] = {}
    for text, one in parts:
        end, _, name = text.partition(" ")
        if end in ("least", "most") and name and "valueDecimal" in one:
            found.setdefault(name, {})[end] = float(one["valueDecimal"])
    return {name: Limit(**ends) for name, ends in found.items()}
