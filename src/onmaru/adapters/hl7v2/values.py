"""v2 data types to FHIR R4 data types (the tables' datatype maps): each function makes one element, None if it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import moments, systems
from onmaru.adapters.hl7v2.attachments import attachment, pointer
from onmaru.adapters.hl7v2.er7 import Repetition
from onmaru.adapters.hl7v2.tables import coded, has_rows

_CODE = re.compile(r"\S+( \S+)*\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)\Z")


class Sender(msgspec.Struct, frozen=True):
    """What a value's meaning owes to its message: the zone of times without one, and whose numbers they are."""

    zone: str
    facility: str


def text(rep: Repetition) -> str | None:
    return rep.text or None


def number(raw: str) -> Decimal | None:
    """A decimal with its written precision; None for anything else."""
    raw = raw.strip()
    if not _NUMBER.match(raw) or len(raw) > 40:
        return None
    try:
        found = Decimal(raw)
    except InvalidOperation:
        return None
    return found


def integer(rep: Repetition, low: int) -> int | None:
    found = number(rep.c(1))
    if found is None or found != found.to_integral_value() or not low <= found < 2**31:
        return None
    return int(found)


def code(rep: Repetition, vocabulary: str) -> str | None:
    written = rep.c(1)
    if vocabulary and has_rows(vocabulary):
        mapped = coded(vocabulary, written)
        return mapped[0] if mapped else None
    return written if _CODE.match(written) else None


def codings(rep: Repetition, vocabulary: str, own_table: str = "") -> list[dict[str, Any]]:
    """Codings of a CE/CWE/CNE/IS: the vocabulary's code first, the sender's own codes after it."""
    found: list[dict[str, Any]] = []
    mapped = coded(vocabulary, rep.c(1))
    if mapped:
        found.append(_coding(mapped[0], mapped[1], mapped[2], ""))
    places = ((1, 2, 3, 7, 14), (4, 5, 6, 8, 17), (10, 11, 12, 13, 20))
    for at, display, system, version, oid in places:
        if rep.c(at):
            uri = systems.of_code(rep.c(system), rep.c(oid)) or (own_table if at == 1 else "")
            one = _coding(rep.c(at), rep.c(display), uri, rep.c(version))
            if one and not any(o.get("code") == one.get("code") and o.get("system") in (uri, None) for o in found):
                found.append(one)
    return [one for one in found if one]


def _coding(written: str, display: str, system: str, version: str) -> dict[str, Any]:
    one: dict[str, Any] = {}
    if system:
        one["system"] = system
    if version:
        one["version"] = version
    if written:
        one["code"] = " ".join(written.split())
    if display:
        one["display"] = display
    return one if written else {}


def concept(rep: Repetition, vocabulary: str, _: Sender | None = None) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    all_codes = codings(rep, vocabulary)
    if all_codes:
        found["coding"] = all_codes
    said = rep.c(9) or ("" if rep.c(1) or rep.c(4) else rep.c(2) or rep.c(5))
    if said:
        found["text"] = said
    if not found and rep.text:
        found["text"] = rep.text
    return found or None


def coding(rep: Repetition, vocabulary: str) -> dict[str, Any] | None:
    all_codes = codings(rep, vocabulary)
    if all_codes:
        return all_codes[0]
    return {"display": rep.c(2) or rep.text} if rep.text else None


def event_coding(rep: Repetition) -> dict[str, Any] | None:
    event = rep.c(2) or rep.c(1)
    return {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": event} if event else None


def authority(rep: Repetition, component: int, sender: Sender) -> str:
    """System URI of an HD that stands in one component (its parts are sub-components)."""
    return systems.of_authority(rep.c(component, 1), rep.c(component, 2), rep.c(component, 3), sender.facility)


def identifier(value: str, system: str, kind: str = "") -> dict[str, Any]:
    one: dict[str, Any] = {}
    if kind:
        mapped = coded("IdentifierType", kind)
        to = mapped or [kind, "", "http://terminology.hl7.org/CodeSystem/v2-0203"]
        one["type"] = {"coding": [{"system": to[2], "code": to[0]}]}
    one["system"] = system
    one["value"] = value
    return one


def cx(rep: Repetition, sender: Sender) -> dict[str, Any] | None:
    if not rep.c(1):
        return None
    one = identifier(rep.c(1), authority(rep, 4, sender), rep.c(5))
    limits = period(rep.c(7), rep.c(8), sender)
    if limits:
        one["period"] = limits
    named = rep.c(4) or rep.c(6)
    if named:
        one["assigner"] = {"display": named}
    return one


def ei(rep: Repetition, sender: Sender) -> dict[str, Any] | None:
    if not rep.c(1):
        return None
    return identifier(rep.c(1), systems.of_authority(rep.c(2), rep.c(3), rep.c(4), sender.facility))


def eip(rep: Repetition, label: str, sender: Sender) -> dict[str, Any] | None:
    """Entity identifier pair: label 1 is the placer's, 2 the filler's number."""
    part = 2 if label == "2" else 1
    inner = rep.sub(part)
    one = ei(inner, sender)
    if one is None:
        return None
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": ("PLAC", "FILL")[part - 1]}]}
    return {"type": kind, **one}


def plain_identifier(rep: Repetition, sender: Sender) -> dict[str, Any] | None:
    """ST, CWE, DLN and PLN: a number whose authority, if any, is the third or second component."""
    value = rep.c(1)
    if not value:
        return None
    return identifier(value, systems.of_authority(rep.c(3) or "", "", "", sender.facility))


def hd(rep: Repetition, sender: Sender) -> str | None:
    if not rep.text:
        return None
    return systems.of_authority(rep.c(1), rep.c(2), rep.c(3), sender.facility)


def human_name(rep: Repetition, sender: Sender) -> dict[str, Any] | None:
    """XPN, and the name part of XCN shifted by the caller."""
    return name_at(rep, 1, sender, rep.c(7), rep.c(12), rep.c(13))


def name_at(rep: Repetition, at: int, sender: Sender, kind: str, start: str, end: str) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    use = coded("NameType", kind)
    if use:
        found["use"] = use[0]
    if rep.c(at):
        found["family"] = rep.c(at)
    given = [part for part in (rep.c(at + 1), rep.c(at + 2)) if part]
    if given:
        found["given"] = given
    if rep.c(at + 4):
        found["prefix"] = [rep.c(at + 4)]
    suffix = [part for part in (rep.c(at + 3), rep.c(at + 5)) if part]
    if suffix:
        found["suffix"] = suffix
    if not set(found) - {"use"}:
        return None
    limits = period(start, end, sender)
    if limits:
        found["period"] = limits
    return found


def address(rep: Repetition, sender: Sender) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    use, kind = coded("AddressType[Use]", rep.c(7)), coded("AddressType[Type]", rep.c(7))
    if use:
        found["use"] = use[0]
    if kind:
        found["type"] = kind[0]
    street = rep.c(1) or " ".join(part for part in (rep.c(1, 3), rep.c(1, 2)) if part)
    lines = [line for line in (street, rep.c(2), rep.c(8)) if line]
    if lines:
        found["line"] = lines
    for name, at in (("city", 3), ("district", 9), ("state", 4), ("postalCode", 5), ("country", 6)):
        if rep.c(at):
            found[name] = rep.c(at)
    if not set(found) - {"use", "type"}:
        return None
    limits = period(rep.c(13), rep.c(14), sender)
    if limits:
        found["period"] = limits
    return found


def contact_point(rep: Repetition) -> dict[str, Any] | None:
    kind = coded("TelecommunicationEquipmentType", rep.c(3))
    use = coded("TelecommunicationUseCode", rep.c(2))
    value, system = rep.c(1) or rep.c(12), kind[0] if kind else "phone"
    if system == "email" or (not value and rep.c(4)):
        value, system = rep.c(4) or value, "email"
    if not value:
        digits = " ".join(part for part in (rep.c(6), rep.c(7)) if part)
        value = f"+{rep.c(5)} {digits}" if rep.c(5) and digits else digits
        value += f" X{rep.c(8)}" if value and rep.c(8) else ""
    if not value:
        return None
    found: dict[str, Any] = {"system": "phone" if system == "mobile" else system, "value": value}
    if system == "mobile":
        found["use"] = "mobile"
    if use:
        found["use"] = use[0]
    return found


def period(start: str, end: str, sender: Sender) -> dict[str, Any] | None:
    found = {}
    for name, moment in (("start", start), ("end", end)):
        said = moments.dateTime(moment, sender.zone) if moment else None
        if said:
            found[name] = said
    return found or None


def unit(rep: Repetition) -> dict[str, Any] | None:
    """CWE or CE of units: UCUM's code where the sender names UCUM, else the sender's own."""
    if not rep.text:
        return None
    found: dict[str, Any] = {"unit": rep.c(2) or rep.c(1) or rep.text}
    system = systems.of_code(rep.c(3), rep.c(14)) if rep.c(1) else ""
    if system:
        found["system"] = system
        found["code"] = rep.c(1)
    return found


def quantity(rep: Repetition) -> dict[str, Any] | None:
    """CQ: number and unit in sub-components; NM: a number."""
    amount = number(rep.c(1))
    if amount is None:
        return None
    found: dict[str, Any] = {"value": amount}
    found.update(unit(rep.sub(2)) or {})
    return found


def money(rep: Repetition) -> dict[str, Any] | None:
    amount = number(rep.c(1, 1))
    if amount is None:
        return None
    found: dict[str, Any] = {"value": amount}
    currency = rep.c(1, 2) or (rep.c(2) if rep.delimiters.subcomponent not in rep.raw else "")
    if re.fullmatch(r"[A-Z]{3}", currency):
        found["currency"] = currency
    return found


def _identifier_of(rep: Repetition, kind: str, label: str, sender: Sender) -> dict[str, Any] | None:
    if kind == "CX":
        return cx(rep, sender)
    if kind == "EI":
        return ei(rep, sender)
    if kind == "EIP":
        return eip(rep, label, sender)
    return plain_identifier(rep, sender)


def _boolean(rep: Repetition) -> bool | None:
    mapped = coded("YesNoIndicator", rep.c(1))
    return mapped[0] == "true" if mapped else None


def _simple_quantity(rep: Repetition, kind: str) -> dict[str, Any] | None:
    return unit(rep) if kind in ("CWE", "CE") else quantity(rep)


def _string(rep: Repetition, kind: str) -> str | None:
    if kind in ("CWE", "CE", "CNE"):
        return rep.c(2) or rep.c(9) or rep.c(1) or None
    if kind == "XPN":
        return " ".join(part for part in (rep.c(2), rep.c(1)) if part) or None
    return rep.c(1) if kind in ("NM", "SI", "EI", "CX", "EIP") else text(rep)


def convert(rep: Repetition, kind: str, leaf: str, vocabulary: str, label: str, sender: Sender) -> Any:
    """Make the FHIR element of type `leaf` from a repetition of v2 type `kind`; None when that is not possible."""
    maker = _LEAVES.get(leaf)
    return maker(rep, kind, vocabulary, label, sender) if maker else None


_Maker = Callable[[Repetition, str, str, str, Sender], Any]
_LEAVES: dict[str, _Maker] = {
    "CodeableConcept": lambda r, k, v, n, s: concept(r, v),
    "Coding": lambda r, k, v, n, s: event_coding(r) if k == "MSG" else coding(r, v),
    "code": lambda r, k, v, n, s: code(r, v),
    "Identifier": lambda r, k, v, n, s: _identifier_of(r, k, n, s),
    "HumanName": lambda r, k, v, n, s: human_name(r, s),
    "Address": lambda r, k, v, n, s: address(r, s),
    "ContactPoint": lambda r, k, v, n, s: contact_point(r),
    "Period": lambda r, k, v, n, s: period(r.c(1), r.c(2), s),
    "Quantity": lambda r, k, v, n, s: _simple_quantity(r, k),
    "Duration": lambda r, k, v, n, s: _simple_quantity(r, k),
    "Money": lambda r, k, v, n, s: money(r),
    "Attachment": lambda r, k, v, n, s: pointer(r) if k == "RP" else attachment(r),
    "Annotation": lambda r, k, v, n, s: {"text": t} if (t := r.c(2) or r.text) else None,
    "dateTime": lambda r, k, v, n, s: moments.dateTime(r.c(1), s.zone),
    "date": lambda r, k, v, n, s: moments.date(r.c(1)),
    "instant": lambda r, k, v, n, s: moments.instant(r.c(1), s.zone),
    "time": lambda r, k, v, n, s: moments.time(r.c(1)),
    "boolean": lambda r, k, v, n, s: _boolean(r),
    "decimal": lambda r, k, v, n, s: number(r.c(1)),
    "integer": lambda r, k, v, n, s: integer(r, -(2**31)),
    "positiveInt": lambda r, k, v, n, s: integer(r, 1),
    "unsignedInt": lambda r, k, v, n, s: integer(r, 0),
    "string": lambda r, k, v, n, s: _string(r, k),
    "markdown": lambda r, k, v, n, s: text(r),
    "uri": lambda r, k, v, n, s: hd(r, s) if k == "HD" else systems.of_code(r.c(1)) or None,
    "url": lambda r, k, v, n, s: hd(r, s),
    "Meta": lambda r, k, v, n, s: (
        {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0103", "code": r.c(1)}]} if r.c(1) else None
    ),
}
