"""The assisted mapping: candidates for a source code, and what a person decides of it, kept as a ConceptMap."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change, pages
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.omop import views
from onmaru.rooms.omop.cdm import COLUMNS
from onmaru.rooms.omop.likeness import likeness

OHDSI = "https://fhir-terminology.ohdsi.org"
READ, DECIDE = "user/ConceptMap.rs", "user/ConceptMap.cru"
SHOWN = 20
SYSTEM = "urn:onmaru:omop-decisions"
# As earlier versions named a map: their own id, with the same digest
_NAME = "omop-"
_PLAIN = (("Cache-Control", "no-store"),)


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """What a source code means; `concept` None: a person looked, and no standard concept fits."""

    system: str
    code: str
    concept: int | None
    label: str = ""
    name: str = ""


def candidates(request: Request, hall: Hall) -> Response:
    """GET mapping/candidates?code=&label=: standard concepts, the likeliest first, computed in a thread."""
    asked = dict(request.query)
    unknown = sorted(asked.keys() - {"code", "label"})
    if unknown:
        raise invalid("value", "only `code` and `label` are known here", unknown[0])
    code, label = asked.get("code", "").strip(), asked.get("label", "").strip()
    answer = hall.lake.later(views.CANDIDATES, {"code": code, "label": label or code})

    def computed() -> bytes:
        return msgspec.json.encode({"items": ranked(label or code, answer().table.to_pylist())})

    return Response(200, computed, headers=_PLAIN)


def ranked(label: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each concept once, with the best of its names: the same code first, then by likeness, at most SHOWN."""
    best: dict[int, dict[str, Any]] = {}
    for row in rows:
        score = max(likeness(label, str(row["found"])), likeness(label, str(row["name"])))
        held = best.get(row["concept"])
        if held is None or (row["same"], score) > (held["same"], held["score"]):
            best[row["concept"]] = {**row, "score": round(score, 3)}
    order = sorted(best.values(), key=lambda row: (not row["same"], -row["score"], row["concept"]))
    return order[:SHOWN]


def decide(request: Request, hall: Hall) -> Response:
    """POST mapping/decisions: write one decision. 409 where the map was changed meanwhile by somebody else."""
    try:
        made = msgspec.json.decode(request.body, type=Decision)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid("structure", "is not {system, code, concept, label, name}", "body") from error
    if not made.code:
        raise invalid("required", "names no code", "code")
    version = write(hall, made)
    return Response(200, msgspec.json.encode({"version": version}), headers=_PLAIN)


def write(hall: Hall, made: Decision) -> int:
    """Put a decision into the ConceptMap of its code system; the map's version."""
    digest = sha256(made.system.encode()).hexdigest()[:24]
    held = _held(hall, digest)
    body = (
        {**_decoded(held), "identifier": {"system": SYSTEM, "value": digest}} if held else _empty(made.system, digest)
    )
    elements = [one for one in body["group"][0]["element"] if one.get("code") != made.code]
    target: dict[str, Any] = {"equivalence": "unmatched"}
    if made.concept is not None:
        target = {"code": str(made.concept), "equivalence": "equivalent"}
        target |= {"display": made.name} if made.name else {}
    shown = {"display": made.label} if made.label else {}
    elements.append({"code": made.code, **shown, "target": [target]})
    body["group"][0]["element"] = sorted(elements, key=lambda one: str(one["code"]))
    raw = msgspec.json.encode(body)
    if held:
        change = Change("update", "ConceptMap", held.id, raw, if_match=held.version)
    else:
        change = Change("create", "ConceptMap", body=raw, if_none_exist=_named(digest))
    written = hall.record.write([change])[0]
    if not held and written.status != 201:
        raise invalid("conflict", "somebody else decided on this code system meanwhile", status=409)
    return written.version.version


def _held(hall: Hall, digest: str) -> Version | None:
    """The map of a code system that the caller sees: by its identifier, or by the id that an earlier version gave it."""
    earlier = search.parse(("ConceptMap",), [("_id", f"{_NAME}{digest}")])
    for query in (_named(digest), earlier):
        if matches := hall.record.search(query).matches:
            return matches[0]
    return None


def _named(digest: str) -> Query:
    return search.parse(("ConceptMap",), [("identifier", f"{SYSTEM}|{digest}")])


def _decoded(version: Version) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(version.body or b"{}")
    return found


def _empty(system: str, digest: str) -> dict[str, Any]:
    source = {"source": system} if system else {}
    group = {**source, "target": OHDSI, "element": []}
    named = {"system": SYSTEM, "value": digest}
    return {
        "resourceType": "ConceptMap", "identifier": named, "status": "active", "name": "OmopDecisions", "group": [group],
    }  # fmt: skip


def _is_ours(version: Version, body: dict[str, Any]) -> bool:
    return version.id.startswith(_NAME) or (body.get("identifier") or {}).get("system") == SYSTEM


def decisions(hall: Hall) -> Iterator[dict[str, Any]]:
    """What was decided here, by system and code, with the version of the map that says so."""
    for page in pages(hall.record, Query(("ConceptMap",), count=200)):
        for version in page.matches:
            body = _decoded(version)
            if not _is_ours(version, body):
                continue
            for group in body.get("group") or []:
                for one in group.get("element") or []:
                    target = (one.get("target") or [{}])[0]
                    yield {
                        "system": group.get("source", ""),
                        "code": one["code"],
                        "label": one.get("display", ""),
                        "concept": int(target["code"]) if target.get("code") else None,
                        "name": target.get("display", ""),
                        "map": f"ConceptMap/{version.id}",
                        "version": version.version,
                    }


def listed(request: Request, hall: Hall) -> Response:
    """GET mapping/decisions."""
    found = sorted(decisions(hall), key=lambda one: (one["system"], one["code"]))
    return Response(200, msgspec.json.encode({"items": found}), headers=_PLAIN)


def exported(hall: Hall) -> str:
    """All decisions as a SOURCE_TO_CONCEPT_MAP file (CDM 5.4), which `onmaru omop vocabulary` of another house reads."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow([name for name, _, _ in COLUMNS["source_to_concept_map"]])
    for one in sorted(decisions(hall), key=lambda one: (one["system"], one["code"])):
        named = f"{one['label']} ({one['map']} {one['version']})".strip()
        row = [one["code"], 0, one["system"], named, one["concept"] or 0, "", "1970-01-01", "2099-12-31", ""]
        table.writerow(row)
    return written.getvalue()


def file(request: Request, hall: Hall) -> Response:
    """GET mapping/decisions.csv."""
    return Response(200, exported(hall).encode(), "text/csv; charset=utf-8", _PLAIN)
