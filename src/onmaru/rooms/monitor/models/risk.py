"""One judgement of a model in the chart: a RiskAssessment, a draft for ever and, of a model in shadow, without its result.

Its one law: what a model in shadow says is in no resource: it is `registered`, and its result lies in a blob.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.monitor.alerts.alert import SYSTEM, coded
from onmaru.rooms.monitor.models.entry import DIGEST, Entry
from onmaru.rooms.monitor.projection import moment

STATE, REASON, RESULT = "urn:onmaru:monitor:model-state", "urn:onmaru:monitor:reason", "urn:onmaru:monitor:result"
BLOB = "urn:onmaru:blob:"
RISK = Table(
    "monitor_risk",
    (("entry", "text"), ("digest", "text"), ("state", "text"), ("low", "int"), ("told", "text")),
    "hot",
    ("low",),
)


class Reason(msgspec.Struct, frozen=True):
    """A feature of the model, its value (None: missing) and what it added to the log odds."""

    feature: str
    value: float | None
    weight: float


class Judgement(msgspec.Struct, frozen=True):
    """Of one patient at one time: a probability, between which it lies by models of patients drawn anew, and why."""

    patient: str
    at: int
    probability: float
    low: float
    high: float
    reasons: tuple[Reason, ...]


def assessment(entry: Entry, state: str, one: Judgement, encounter: str = "", blob: str = "") -> dict[str, Any]:
    """The RiskAssessment; its id is of its cause, so that what is judged twice is written once.

    `blob`: where the result of a model in shadow lies. http://hl7.org/fhir/observation-status: `registered` is known to
    be there without a result.
    """
    cause = f"{entry.digest} {one.patient} {one.at}".encode()
    body: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "id": f"risk-{blake2b(cause, digest_size=16).hexdigest()}",
        "meta": {"tag": [{"system": STATE, "code": state}]},
        "identifier": [{"system": DIGEST, "value": entry.digest}],
        "status": "registered" if blob else "preliminary",
        "method": {"coding": [{"system": SYSTEM, "code": entry.id}], "text": entry.title},
        "subject": {"reference": f"Patient/{one.patient}"},
        "occurrenceDateTime": instant(one.at),
    }
    body |= {"encounter": {"reference": encounter}} if encounter else {}
    if blob:
        return body | {"extension": [{"url": RESULT, "valueUri": f"{BLOB}{blob}"}]}
    return body | {
        "prediction": _predictions(entry, one),
        "note": [{"text": "Draft of a risk model. It decides nothing."}],
    }


def _predictions(entry: Entry, one: Judgement) -> list[dict[str, Any]]:
    """The probability with its reasons, and the interval as a Range of percent."""
    extent = {"low": _percent(one.low), "high": _percent(one.high)}
    reasons = [_reason(reason) for reason in one.reasons]
    return [
        {"extension": reasons, "outcome": {"text": entry.title}, "probabilityDecimal": one.probability},
        {"outcome": {"text": f"{entry.title}: 90 % interval"}, "probabilityRange": extent},
    ]


def _percent(share: float) -> dict[str, Any]:
    return {"value": round(100 * share, 2), "system": "http://unitsofmeasure.org", "code": "%"}


def _reason(one: Reason) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"url": "feature", "valueString": one.feature}]
    parts += [{"url": "value", "valueDecimal": one.value}] if one.value is not None else []
    return {"url": REASON, "extension": [*parts, {"url": "weight", "valueDecimal": one.weight}]}


class Risks:
    """Projection door (kernel/projection.py)."""

    name = "monitor-risks"
    version = 1
    types: frozenset[str] = frozenset({"RiskAssessment"})
    tables: tuple[Table, ...] = (RISK,)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion, and none for an assessment that is no model's of ours."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(_rows(version.body)) if version.body is not None else ()


def _rows(raw: bytes) -> Iterator[Row]:
    body = msgspec.json.decode(raw)
    entry, at = coded(body.get("method"), SYSTEM), moment({"effectiveDateTime": body.get("occurrenceDateTime", "")})
    type_, _, patient = str((body.get("subject") or {}).get("reference", "")).partition("/")
    blob = next((str(one.get("valueUri", "")) for one in body.get("extension") or [] if one.get("url") == RESULT), "")
    predictions = body.get("prediction") or []
    if not entry or at is None or type_ != "Patient" or not (blob.startswith(BLOB) or len(predictions) == 2):
        return
    tags = (one.get("code", "") for one in (body.get("meta") or {}).get("tag") or [] if one.get("system") == STATE)
    digest = next((one.get("value", "") for one in body.get("identifier") or [] if one.get("system") == DIGEST), "")
    result = {"blob": blob.removeprefix(BLOB)} if blob else _told(predictions)
    told = msgspec.json.encode(result).decode()
    yield Row(RISK.name, patient, labels_of(body), (entry, digest, next(tags, ""), at, told))


def _told(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, second = predictions
    ends = second.get("probabilityRange") or {}
    reasons = [
        {part.get("url"): part.get("valueString", part.get("valueDecimal")) for part in one.get("extension") or []}
        for one in first.get("extension") or []
        if one.get("url") == REASON
    ]
    return {
        "probability": first.get("probabilityDecimal"),
        "interval": [round((ends.get(end) or {}).get("value", 0) / 100, 4) for end in ("low", "high")],
        "reasons": [{"value": None, **one} for one in reasons],
    }
