"""Notes, specimens, insurance and episodes: what has a CDM table of its own, whatever the domain of its code."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onmaru.kernel.projection import Row
from onmaru.rooms.omop.codes import Codes
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.moments import Moment, moment, period, span
from onmaru.rooms.omop.people import times, words_only
from onmaru.rooms.omop.pieces import codings, decimal, first, referred, source_value, visit, words
from onmaru.rooms.omop.row import EHR, TYPE, dropped, made, own
from onmaru.rooms.omop.tables import COST, EPISODE, NOTE, PLAN, SPECIMEN


def _note(body: dict[str, Any], patient: str, start: Moment, text: str, kind: Any) -> Iterator[Row]:
    if start.day is None or not text:
        yield dropped(body, patient, "no-date" if start.day is None else "no-text")
        return
    codes = Codes()
    author = first(body, "author", "performer", "resultsInterpreter")
    columns = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "visit": visit(body) or referred(first(body.get("context") or {}, "encounter"), "Encounter"),
        "provider": referred(author, "Practitioner"),
        "title": str(body.get("title") or body.get("description") or words(kind)),
        "text": text,
        "class": codes.key(codings(kind), "", words_only(kind)),
        "source_value": source_value(kind),
        "language": str(body.get("language") or ""),
        "kind": codes.key(EHR, TYPE),
        **times(start),
    }
    yield made(NOTE, body, patient, columns, codes)


def _written(attachment: Any) -> str:
    """The text of an Attachment that is inline and plain; "" for any other."""
    found = attachment if isinstance(attachment, dict) else {}
    if not str(found.get("contentType") or "").startswith("text/plain") or not found.get("data"):
        return ""
    try:
        return base64.b64decode(found["data"], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def document(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """A DocumentReference: its first plain inline text."""
    texts = (_written(one.get("attachment")) for one in body.get("content") or [])
    yield from _note(body, patient, moment(body.get("date")), next(filter(None, texts), ""), body.get("type"))


def report(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """A DiagnosticReport: its conclusion, else the plain text of its form. Its results have rows of their own."""
    start, _ = span(body, "effective")
    start = start if start.day is not None else moment(body.get("issued"))
    forms = (_written(one) for one in body.get("presentedForm") or [])
    text = str(body.get("conclusion") or next(filter(None, forms), ""))
    yield from _note(body, patient, start, text, body.get("code"))


def specimen(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """A Specimen."""
    taken = body.get("collection") or {}
    start, _ = span(taken, "collected")
    start = start if start.day is not None else moment(body.get("receivedTime"))
    if start.day is None:
        yield dropped(body, patient, "no-date")
        return
    codes, amount = Codes(), taken.get("quantity") or {}
    unit = str(amount.get("code") or amount.get("unit") or "")
    coded = (
        [{"system": amount["system"], "code": amount["code"]}] if amount.get("system") and amount.get("code") else []
    )
    kind, site = body.get("type"), taken.get("bodySite")
    columns = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "code": codes.key(codings(kind), "", words_only(kind)),
        "source_value": source_value(kind),
        "name": f"Specimen/{body['id']}",
        "quantity": decimal(amount.get("value")),
        "unit": unit,
        "unit_key": codes.key(coded),
        "body_site": source_value(site),
        "site_key": codes.key(codings(site), "", words_only(site)),
        "kind": codes.key(EHR, TYPE),
        **times(start),
    }
    yield made(SPECIMEN, body, patient, columns, codes)


def plan(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """A Coverage with both days as a payer's plan period; one without an end is not whole yet."""
    start, end = period(body.get("period"))
    if start.day is None or end.day is None:
        yield dropped(body, patient, "no-date")
        return
    codes, kind = Codes(), body.get("type")
    payor = first(body, "payor") or {}
    classes = [one for one in body.get("class") or [] if source_value(one.get("type")) == "plan"]
    columns = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "payer_key": codes.key(codings(kind), "", words_only(kind)),
        "payer": source_value(kind) or str(payor.get("display") or ""),
        "plan": str(classes[0].get("value") or "") if classes else "",
        "sponsor": str(payor.get("display") or ""),
        **times(start, end),
    }
    yield made(PLAN, body, patient, columns, codes)


def episode(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """An EpisodeOfCare."""
    start, end = period(body.get("period"))
    if start.day is None:
        yield dropped(body, patient, "no-date")
        return
    codes, kind = Codes(), first(body, "type")
    columns = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "code": codes.key(codings(kind), "", words_only(kind)),
        "source_value": source_value(kind),
        "kind": codes.key(EHR, TYPE),
        **times(start, end),
    }
    yield made(EPISODE, body, patient, columns, codes)


def cost(body: dict[str, Any], patient: str) -> Iterator[Row]:
    """An ExplanationOfBenefit as the cost of the Encounter that its items name; the Claim before it is not counted again."""
    visits = (referred(one, "Encounter") for item in body.get("item") or [] for one in item.get("encounter") or [])
    event = next((found for found in visits if found is not None), None)
    if event is None:
        yield dropped(body, patient, "no-visit")
        return
    codes = Codes()
    totals = {source_value(one.get("category")): one.get("amount") or {} for one in body.get("total") or []}
    paid = (body.get("payment") or {}).get("amount") or {}
    currency = str((paid or next(iter(totals.values()), {})).get("currency") or "")
    columns = {
        "id": own(body),
        "person": number(f"Patient/{patient}"),
        "visit": event,
        "charge": decimal((totals.get("submitted") or {}).get("value")),
        "allowed": decimal((totals.get("eligible") or {}).get("value")),
        "benefit": decimal((totals.get("benefit") or {}).get("value")),
        "copay": decimal((totals.get("copay") or {}).get("value")),
        "deductible": decimal((totals.get("deductible") or {}).get("value")),
        "paid": decimal(paid.get("value")),
        "currency_key": codes.key([{"code": currency, "display": currency}] if currency else [], "Currency"),
        "kind": codes.key(EHR, TYPE),
    }
    yield made(COST, body, patient, columns, codes)


# Type → what makes its rows, once a patient is known
PAPERS: Mapping[str, Callable[[dict[str, Any], str], Iterator[Row]]] = {
    "DocumentReference": document,
    "DiagnosticReport": report,
    "Specimen": specimen,
    "Coverage": plan,
    "EpisodeOfCare": episode,
    "ExplanationOfBenefit": cost,
}
