"""A Patient resource as the list and the header need it, and its links to other records of the same person.

National identifiers (resident and foreigner registration, passport, driving licence) never reach a row: 개인정보보호법
시행령 제19조; they are found only by the record's own keyed search.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from onmaru.rooms.journey import names
from onmaru.rooms.journey.compartment import reference

# HL7 v2 table 0203, the codes that stand for a national number.
_NATIONAL_TYPES = frozenset({"NI", "SS", "PPN", "DL"})
_RESIDENT = re.compile(r"\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-?\d{7}", re.ASCII)


class Person(NamedTuple):
    """The columns of `journey_patient`, in order, without the id."""

    name: str
    name_key: str
    name_keys: str
    other_names: str
    find: str
    birth: str
    sex: str
    number: str
    identifiers: str
    shown: str
    deceased: str
    active: int


def person(body: dict[str, Any]) -> Person:
    """Identity of a Patient. `name_keys` and `identifiers` are `|a|b|` for LIKE; `shown` is JSON."""
    known = names.ordered(body.get("name") or [])
    texts = list(dict.fromkeys(names.shown(name) for name in known))
    keys = list(dict.fromkeys(names.key(name) for name in known))
    identifiers = [one for one in body.get("identifier") or [] if one.get("value") and not national(one)]
    return Person(
        name=texts[0] if texts else "",
        name_key=keys[0] if keys else "",
        name_keys=f"|{'|'.join(keys)}|" if keys else "",
        other_names=" · ".join(texts[1:]),
        find="|".join(names.encode(text) for text in texts),
        birth=body.get("birthDate") or "",
        sex=body.get("gender") or "",
        number=_number(identifiers),
        identifiers="".join(f"|{names.fold(one['value'])}" for one in identifiers),
        shown=msgspec.json.encode([_brief(one) for one in identifiers]).decode(),
        deceased=body.get("deceasedDateTime") or ("true" if body.get("deceasedBoolean") else ""),
        active=0 if body.get("active") is False else 1,
    )


def national(identifier: dict[str, Any]) -> bool:
    """Whether an Identifier is a national one, by HL7 v2 table 0203 (NN… is one country's) or by the shape of the number."""
    types = {coding.get("code", "") for coding in (identifier.get("type") or {}).get("coding") or []}
    return (
        bool(types & _NATIONAL_TYPES)
        or any(code.startswith("NN") for code in types)
        or bool(_RESIDENT.fullmatch(identifier["value"].strip()))
    )


def _number(identifiers: list[dict[str, Any]]) -> str:
    """The number on the wristband: type MR, else the first in use."""
    ranked = sorted(identifiers, key=lambda one: (one.get("use") == "old", "MR" not in _types(one)))
    return ranked[0]["value"] if ranked else ""


def _types(identifier: dict[str, Any]) -> set[str]:
    return {coding.get("code", "") for coding in (identifier.get("type") or {}).get("coding") or []}


def _brief(identifier: dict[str, Any]) -> dict[str, str]:
    kind = identifier.get("type") or {}
    words = kind.get("text") or next((c["display"] for c in kind.get("coding") or [] if c.get("display")), "")
    return {"system": identifier.get("system") or "", "type": words, "value": identifier["value"]}


def links(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(survivor, gone, relation) for Patient.link: `merged` for replaces and replaced-by, `seealso` for the others."""
    own = body["id"]
    found = []
    for link in body.get("link") or []:
        type_, _, other = reference(link.get("other")).partition("/")
        if type_ != "Patient" or other == own:
            continue
        if link.get("type") == "replaced-by":
            found.append((other, own, "merged"))
        elif link.get("type") == "replaces":
            found.append((own, other, "merged"))
        else:
            found.append((own, other, "seealso"))
    return found
