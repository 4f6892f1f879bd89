"""Pure: what a version says that came from home: measured values and answers, each with its time, or why it cannot be used.

Its one law: what cannot be used is kept with its reason; it is neither received nor normal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from onmaru.rooms.remote.moments import MINUTE, moment
from onmaru.rooms.remote.plan import SYSTEM, whose

# Answers to what a plan asks to be measured, as the patient's own page writes them
ENTRY = "urn:onmaru:remote:entry"
STANDING = frozenset({"final", "amended", "corrected", "preliminary"})
# A device whose clock is further ahead is not believed
AHEAD = 5 * MINUTE
_DECODER = msgspec.json.Decoder(float_hook=str)


class Got(NamedTuple):
    """`key` as of a plan's activity or limit. `matter`: "" or why it cannot be used: `value`, `unit` or `clock`."""

    key: str
    at: int
    value: str
    unit: str
    device: str
    matter: str


def home(body: Mapping[str, Any]) -> bool:
    """Whether an Observation was measured at home: its category says so."""
    codings = [one for concept in body.get("category") or [] for one in concept.get("coding") or []]
    return any(one.get("system") == SYSTEM and one.get("code") == "home" for one in codings)


def got(type: str, raw: bytes, known: int) -> Iterator[tuple[str, Mapping[str, Any], Got]]:
    """(patient, decoded body, what came) of a stored Observation or QuestionnaireResponse recorded at `known` (µs)."""
    body = _DECODER.decode(raw)
    patient = whose(body.get("subject"))
    if not patient:
        return
    if type == "Observation" and home(body) and body.get("status") in STANDING:
        found = _measured(body, known)
    elif type == "QuestionnaireResponse" and body.get("status") in ("completed", "amended"):
        found = _answered(body, known)
    else:
        return
    for one in found:
        yield patient, body, one


def _measured(body: Mapping[str, Any], known: int) -> Iterator[Got]:
    period = body.get("effectivePeriod") or {}
    texts = (body.get("effectiveDateTime"), body.get("effectiveInstant"), period.get("end"), period.get("start"))
    at = next((found for text in texts if (found := moment(text)) is not None), None)
    device = str((body.get("device") or {}).get("reference") or (body.get("device") or {}).get("display") or "")
    for part in (body, *(body.get("component") or [])):
        value, unit, matter = _value(part)
        if not value and not matter:
            continue
        matter = matter or _clock(at, known)
        for coding in (part.get("code") or {}).get("coding") or []:
            if coding.get("code"):
                key = f"{coding.get('system', '')}|{coding['code']}"
                yield Got(key, known if at is None else at, value, unit, device, matter)


def _value(part: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, unit and what is the matter; all "" for a panel, which holds its values in its components."""
    quantity = part.get("valueQuantity")
    if quantity is not None:
        unit = str(quantity.get("code") or quantity.get("unit") or "")
        wrong = "value" not in quantity or quantity.get("comparator")
        return str(quantity.get("value", "")), unit, "value" if wrong else ""
    if "valueInteger" in part:
        return str(part["valueInteger"]), "", ""
    other = "dataAbsentReason" in part or any(name.startswith("value") for name in part)
    return "", "", "value" if other else ""


def _answered(body: Mapping[str, Any], known: int) -> Iterator[Got]:
    """That the form came, and each answer that is one number, by `canonical#linkId`."""
    form = str(body.get("questionnaire", "")).partition("|")[0]
    at = moment(body.get("authored"))
    matter = _clock(at, known)
    when = known if at is None else at
    if not form or form == ENTRY:
        return
    yield Got(form, when, "", "", "", matter)
    for item in items(body):
        answers = item.get("answer") or []
        value, unit = _number(answers[0]) if len(answers) == 1 else ("", "")
        if value:
            yield Got(f"{form}#{item.get('linkId', '')}", when, value, unit, "", matter)


def items(body: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every item of a QuestionnaireResponse, groups and what lies below answers included."""
    for item in body.get("item") or []:
        yield item
        if depth < 10:
            yield from items(item, depth + 1)
            for answer in item.get("answer") or []:
                yield from items(answer, depth + 1)


def _number(answer: Mapping[str, Any]) -> tuple[str, str]:
    quantity = answer.get("valueQuantity") or {}
    if "value" in quantity and not quantity.get("comparator"):
        return str(quantity["value"]), str(quantity.get("code") or quantity.get("unit") or "")
    value = answer.get("valueInteger", answer.get("valueDecimal"))
    if value is None and isinstance(answer.get("valueBoolean"), bool):
        value = int(answer["valueBoolean"])
    return ("", "") if value is None else (str(value), "1")


def _clock(at: int | None, known: int) -> str:
    return "clock" if at is None or at > known + AHEAD else ""
