"""Labels that a tenant's rules put on what is written, by the codes in it; none ship, for a list of codes is its owner's.

Its one law: a rule adds a label and takes none away; what it adds is in the resource, for all who get it to see.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from onmaru.fhir import search, verbatim
from onmaru.kernel.errand import HEAVY, Admitted
from onmaru.kernel.labels import Coding, lowered, meanings

SECURITY = search.parameters("Patient")["_security"].sp
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    codes: frozenset[str]
    source: str


class Assigned(NamedTuple):
    """One label with the codes that bear it: whole ones, and beginnings (`F1*`) by system."""

    label: Coding
    codes: frozenset[Coding]
    beginnings: Sequence[Coding]

    def meant(self, tokens: Sequence[tuple[int, str, str]]) -> bool:
        """Whether one of a resource's codes is of the list."""
        for _, system, code in tokens:
            if (system, code) in self.codes:
                return True
            if any(system == one and code.startswith(start) for one, start in self.beginnings):
                return True
        return False


def rules(text: str) -> tuple[Assigned, ...]:
    """Read a tenant's rules (TOML text): `[[assign]]` with `label` and `codes` as `system|code`, and the list's `source`.

    A label that means nothing, or a code without a system, is a ValueError.
    """
    found = msgspec.convert(tomllib.loads(text).get("assign", []), list[_Rule])
    return tuple(_assigned(rule) for rule in found)


def _assigned(rule: _Rule) -> Assigned:
    label, codes = _coding(rule.label), [_coding(one) for one in rule.codes]
    if meanings().strange(label) or (meanings().rank(label) is None and meanings().kind(label) is None):
        raise ValueError(f"{rule.label}: no confidentiality and no sensitivity class")
    whole = frozenset(one for one in codes if not one[1].endswith("*"))
    return Assigned(label, whole, tuple((system, code[:-1]) for system, code in codes if code.endswith("*")))


def _coding(text: str) -> Coding:
    system, bar, code = text.rpartition("|")
    if not (bar and system and code.strip("*")):
        raise ValueError(f"{text}: not of the form system|code")
    return system, code


def mark(made: Admitted, table: Sequence[Assigned]) -> None:
    """Put the labels that the rules ask for on an admitted resource, where it does not bear as much already."""
    fresh = [rule.label for rule in table if rule.meant(made.keys.token)]
    fresh = [label for label in dict.fromkeys(fresh) if lowered([*made.keys.labels, label], made.keys.labels)]
    if not fresh:
        return
    body = _members(made.body)
    meta = _members(body["meta"]) if "meta" in body else {}
    security = _elements(meta["security"]) if "security" in meta else []
    security += [msgspec.Raw(_encode({"system": system, "code": code})) for system, code in fresh]
    meta["security"] = msgspec.Raw(_encode(security))
    kept = {name: value for name, value in body.items() if name not in ("resourceType", "id", "meta")}
    first = {name: body[name] for name in ("resourceType", "id") if name in body}
    made.body = _encode({**first, "meta": msgspec.Raw(_encode(meta)), **kept})
    made.keys.labels += fresh
    made.keys.token += [(SECURITY, system, code) for system, code in fresh]
    made.spots = verbatim.spots(made.body) if len(made.body) > HEAVY else None
