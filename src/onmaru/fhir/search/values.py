"""Key rules: what one element of a resource gives to the index, by parameter kind and data type (R4 search 3.1.1.4).

Its one law: a rule never fails on a resource that passed the structure check; what it cannot key it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from onmaru.fhir.keys import MAX, MIN, Keys
from onmaru.fhir.search.catalogue import numbered
from onmaru.fhir.search.dates import span

Rule = Callable[[Keys, int, Any], None]
CURRENCY = "urn:iso:std:iso:4217"
RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
VERSIONED = re.compile(r"(.+)/_history/[A-Za-z0-9\-.]{1,64}")
RESTFUL = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")


class Head(msgspec.Struct):
    """Type and id of an embedded resource."""

    resourceType: str = ""
    id: str = ""


@lru_cache(maxsize=65_536)
def target(reference: str) -> tuple[str, str]:
    """(type, id) of a relative reference, ("", url) of an absolute one, its version stripped; ("", "") for `#contained`."""
    found = RELATIVE.fullmatch(reference)
    if found is not None:
        return found[1], found[2]
    if reference.startswith("#"):
        return "", ""
    versioned = VERSIONED.fullmatch(reference)
    return "", versioned[1] if versioned is not None else reference


def refers(reference: Any, type: str) -> bool:
    """`resolve() is type`, decided without reading the target: by the reference's path, else by its stated type."""
    if reference.reference is not None:
        known, url = target(reference.reference)
        if known:
            return bool(known == type)
        found = RESTFUL.fullmatch(url)
        if found is not None:
            return bool(found[1] == type)
    return bool(reference.type == type)


# token


def primitive_token(keys: Keys, sp: int, value: str) -> None:
    keys.token.append((sp, "", value))


def boolean_token(keys: Keys, sp: int, value: bool) -> None:
    keys.token.append((sp, "", "true" if value else "false"))


def coding(keys: Keys, sp: int, value: Any) -> None:
    if value.code is not None:
        keys.token.append((sp, value.system or "", value.code))
    if value.display is not None:
        keys.text.append((sp, value.display))


def codeable_concept(keys: Keys, sp: int, value: Any) -> None:
    text = value.text
    if value.coding is not None:
        for one in value.coding:
            if one.code is not None:
                keys.token.append((sp, one.system or "", one.code))
            if one.display is not None and one.display != text:
                keys.text.append((sp, one.display))
    if text is not None:
        keys.text.append((sp, text))


def identifier(keys: Keys, sp: int, value: Any) -> None:
    if value.value is not None:
        keys.token.append((sp, value.system or "", value.value))
    if value.type is None:
        return
    if value.type.text is not None:
        keys.text.append((sp, value.type.text))
    for one in value.type.coding or () if value.value is not None else ():
        if one.code is not None:
            keys.typed.append((sp, one.system or "", one.code, value.value))


def folded_token(keys: Keys, sp: int, value: str) -> None:
    """A token over a string compares without case (R4 search 3.1.1.4.10): the row holds the folded text."""
    keys.token.append((sp, "", value.casefold()))


def contact_point(keys: Keys, sp: int, value: Any) -> None:
    """The system of a ContactPoint is a code such as phone, not a namespace: rows have none."""
    if value.value is not None:
        keys.token.append((sp, "", value.value.casefold()))


# reference


def reference(keys: Keys, sp: int, value: Any) -> None:
    """A display alone becomes a text row, so that the element does not count as missing."""
    if value.reference is not None:
        type, id = target(value.reference)
        if id:
            keys.reference.append((sp, type, id))
    if value.identifier is not None:
        identifier(keys, sp, value.identifier)
    elif value.reference is None and value.display is not None:
        keys.text.append((sp, value.display))


def patient_reference(keys: Keys, sp: int, value: Any) -> None:
    """A reference that puts the resource into the compartment of the Patient it names."""
    reference(keys, sp, value)
    if value.reference is not None:
        type, id = target(value.reference)
        if type == "Patient" and id not in keys.patients:
            keys.patients.append(id)


def canonical(keys: Keys, sp: int, value: str) -> None:
    """With a version: one row for the url, one for `url|version`."""
    type, id = target(value)
    if id:
        keys.reference.append((sp, type, id))
        if "|" in id:
            keys.reference.append((sp, type, id.partition("|")[0]))


def embedded(keys: Keys, sp: int, value: msgspec.Raw) -> None:
    """A resource inside a Bundle, if it is of the type that the parameter (composition, message) points at."""
    head = msgspec.json.decode(value, type=Head)
    if head.id and head.resourceType in numbered(sp).parameter.targets:
        keys.reference.append((sp, head.resourceType, head.id))


# uri and string


def uri(keys: Keys, sp: int, value: str) -> None:
    """Rows are tokens without system; a canonical's version may be left out in a search."""
    keys.token.append((sp, "", value))
    if "|" in value:
        keys.token.append((sp, "", value.partition("|")[0]))


def string(keys: Keys, sp: int, value: str) -> None:
    keys.string.append((sp, value))


def human_name(keys: Keys, sp: int, value: Any) -> None:
    _strings(keys, sp, (value.text, value.family), (value.given, value.prefix, value.suffix))


def address(keys: Keys, sp: int, value: Any) -> None:
    _strings(
        keys,
        sp,
        (value.text, value.city, value.district, value.state, value.postalCode, value.country),
        (value.line,),
    )


def _strings(keys: Keys, sp: int, single: tuple[str | None, ...], many: tuple[list[str | None] | None, ...]) -> None:
    for text in single:
        if text is not None:
            keys.string.append((sp, text))
    for texts in many:
        keys.string.extend((sp, text) for text in texts or () if text is not None)


# date


def moment(keys: Keys, sp: int, value: str) -> None:
    try:
        low, high = span(value)
    except ValueError:
        return
    keys.date.append((sp, low, high))


def period(keys: Keys, sp: int, value: Any) -> None:
    """An open end reaches MIN or MAX; an end counts with the whole of its precision."""
    limits = _limits([value.start], [value.end])
    if limits is not None:
        low, high = limits
        keys.date.append((sp, low if value.start else MIN, high if value.end else MAX))


def timing(keys: Keys, sp: int, value: Any) -> None:
    """Only the outer limits count (R4 search 3.1.1.4.7): earliest to latest event, and the bounds."""
    bounds = value.repeat.boundsPeriod if value.repeat is not None else None
    starts, ends = list(value.event or ()), list(value.event or ())
    open_start = open_end = False
    if bounds is not None:
        starts.append(bounds.start)
        ends.append(bounds.end)
        open_start, open_end = bounds.start is None, bounds.end is None
    limits = _limits(starts, ends)
    if limits is not None:
        keys.date.append((sp, MIN if open_start else limits[0], MAX if open_end else limits[1]))


def _limits(starts: list[str | None], ends: list[str | None]) -> tuple[int, int] | None:
    """Lowest start and highest end; None without any moment. A side without moments is left to the caller."""
    try:
        low = min((span(text)[0] for text in starts if text is not None), default=MIN)
        high = max((span(text)[1] for text in ends if text is not None), default=MAX)
    except ValueError:
        return None
    return None if (low, high) == (MIN, MAX) else (low, high)


# number and quantity


def number(keys: Keys, sp: int, value: float) -> None:
    keys.quantity.append((sp, "", "", float(value)))


def quantity(keys: Keys, sp: int, value: Any) -> None:
    """By code; by unit too where that reads differently, for `[number]||[unit]`."""
    if value.value is None:
        return
    amount = float(value.value)
    if value.code is not None:
        keys.quantity.append((sp, value.system or "", value.code, amount))
        if value.unit is None or value.unit == value.code:
            return
    keys.quantity.append((sp, "", value.unit or "", amount))


def money(keys: Keys, sp: int, value: Any) -> None:
    if value.value is not None:
        keys.quantity.append((sp, CURRENCY, value.currency or "", float(value.value)))


def range_(keys: Keys, sp: int, value: Any) -> None:
    """Both ends are keys, so that ge and le find a Range that reaches the value."""
    for end in (value.low, value.high):
        if end is not None:
            quantity(keys, sp, end)


def range_number(keys: Keys, sp: int, value: Any) -> None:
    for end in (value.low, value.high):
        if end is not None and end.value is not None:
            number(keys, sp, end.value)


# labels


def label(keys: Keys, _sp: int, value: Any) -> None:
    """A security label of the resource."""
    if value.code is not None:
        keys.labels.append((value.system or "", value.code))


def _table(*rows: tuple[str, str, Rule]) -> dict[tuple[str, str], Rule]:
    return {(kind, type): rule for kind, types, rule in rows for type in types.split()}


RULES = _table(
    ("token", "str Code String Uri Id Oid Uuid Url Canonical", primitive_token),
    ("token", "bool Boolean", boolean_token),
    ("token", "Coding", coding),
    ("token", "CodeableConcept", codeable_concept),
    ("token", "Identifier", identifier),
    ("folded", "str String", folded_token),
    ("folded", "ContactPoint", contact_point),
    ("reference", "Reference", reference),
    ("reference", "str Canonical Uri Url", canonical),
    ("reference", "Raw", embedded),
    ("patient", "Reference", patient_reference),
    ("uri", "str Uri Url Canonical Oid Uuid", uri),
    ("string", "str String Markdown", string),
    ("string", "HumanName", human_name),
    ("string", "Address", address),
    ("date", "str Date DateTime Instant", moment),
    ("date", "Period", period),
    ("date", "Timing", timing),
    ("number", "int float Decimal Integer PositiveInt UnsignedInt", number),
    ("number", "Range", range_number),
    ("quantity", "Quantity SimpleQuantity Age Count Distance Duration", quantity),
    ("quantity", "Money MoneyQuantity", money),
    ("quantity", "Range", range_),
    ("label", "Coding", label),
)
"""(parameter kind, data type) → rule. A type is a Struct's name, a choice's suffix, or a Python primitive's name."""
