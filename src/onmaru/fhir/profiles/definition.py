"""A StructureDefinition as the validator reads it: what each ElementDefinition demands, and nothing for the reader's eye.

R4's own are shipped in this form (`tools/build_profiles.py`); those of a package are read into it when they are first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

Json = Mapping[str, Any]
MAXIMUM = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
UNBOUNDED = -1
# Decoding proves ele-1 of everything; ext-1 belongs to Extension and is copied to each place that takes one.
_ELE_1 = "hasValue() or (children().count() > id.count())"
_EXT_1 = "extension.exists() != value.exists()"


class Constraint(msgspec.Struct, frozen=True, array_like=True):
    """An invariant. `severity` is error or warning."""

    key: str
    severity: str
    human: str
    expression: str


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """`maximum`: the value set that an extensible or preferred binding may not leave, "" where there is none."""

    strength: str
    value_set: str
    maximum: str


class TypeRule(msgspec.Struct, frozen=True, array_like=True):
    """One type of an element; `profiles` on its content, `targets` of what it refers to."""

    code: str
    profiles: tuple[str, ...]
    targets: tuple[str, ...]


class Slicing(msgspec.Struct, frozen=True, array_like=True):
    """`discriminators`: (kind, path). `rules`: open, closed or openAtEnd."""

    discriminators: tuple[tuple[str, str], ...]
    ordered: bool
    rules: str


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """One ElementDefinition. In a differential `min` and `max` are None where it leaves them as they are.

    `value` is the JSON of fixed[x] (`exact`) or pattern[x]; `least` and `most` of minValue[x] and maxValue[x]; "" for none.
    """

    id: str
    path: str
    slice: str = ""
    min: int | None = None
    max: int | None = None
    types: tuple[TypeRule, ...] = ()
    value: str = ""
    exact: bool = False
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    slicing: Slicing | None = None
    content: str = ""
    max_length: int = 0
    least: str = ""
    most: str = ""
    modifier: bool = False


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """`contexts`: (kind, expression) of an extension. `rules`: the snapshot, or the differential where `whole` is False."""

    url: str
    version: str
    type: str
    base: str
    constraint: bool
    abstract: bool
    contexts: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    whole: bool


def definition(resource: Json) -> Definition:
    """Read a StructureDefinition that passed structural validation."""
    whole = bool(resource.get("snapshot"))
    elements = resource.get("snapshot" if whole else "differential", {}).get("element", ())
    return Definition(
        resource["url"],
        resource.get("version", ""),
        resource["type"],
        bare(resource.get("baseDefinition", "")),
        resource.get("derivation") == "constraint",
        resource["abstract"],
        tuple((one["type"], one["expression"]) for one in resource.get("context", ())),
        tuple(rule(element) for element in elements),
        whole,
    )


def rule(element: Json) -> Rule:
    """Read one ElementDefinition."""
    value, exact = _given(element, "fixed"), True
    if not value:
        value, exact = _given(element, "pattern"), False
    path = element["path"]
    return Rule(
        element.get("id") or path,
        path,
        element.get("sliceName", ""),
        element.get("min"),
        _maximum(element.get("max", "")),
        tuple(_type(one) for one in element.get("type", ())),
        value,
        exact,
        _binding(element.get("binding")),
        tuple(_constraints(element, path)),
        _slicing(element.get("slicing")),
        element.get("contentReference", "").rpartition("#")[2],
        element.get("maxLength", 0),
        _given(element, "minValue"),
        _given(element, "maxValue"),
        element.get("isModifier", False),
    )


def _maximum(text: str) -> int | None:
    """A number or `*`; whatever else somebody wrote says nothing."""
    if text == "*":
        return UNBOUNDED
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _given(element: Json, name: str) -> str:
    for member, value in element.items():
        if member.startswith(name) and member[len(name) :][:1].isupper():
            return msgspec.json.encode(value).decode()
    return ""


def _type(one: Json) -> TypeRule:
    named = [x.get("valueUrl") or x.get("valueUri") for x in one.get("extension", ()) if x.get("url") == FHIR_TYPE]
    code = (named[0] if named and named[0] else one.get("code", "")).removeprefix("http://hl7.org/fhirpath/System.")
    return TypeRule(code, _bare(one.get("profile", ())), _bare(one.get("targetProfile", ())))


def _binding(one: Json | None) -> Binding | None:
    if one is None:
        return None
    extensions = one.get("extension", ())
    most = [x.get("valueCanonical") or x.get("valueUri") or "" for x in extensions if x.get("url") == MAXIMUM]
    bound = Binding(one["strength"], bare(one.get("valueSet", "")), bare(most[0]) if most else "")
    return bound if bound.strength in ("required", "extensible") or bound.maximum else None


def _constraints(element: Json, path: str) -> Iterator[Constraint]:
    for one in element.get("constraint", ()):
        said = one.get("expression", "")
        if said and said != _ELE_1 and (said != _EXT_1 or path == "Extension"):
            yield Constraint(one["key"], one["severity"], one["human"], said)


def _slicing(one: Json | None) -> Slicing | None:
    if one is None:
        return None
    discriminators = tuple((each["type"], each["path"]) for each in one.get("discriminator", ()))
    return Slicing(discriminators, one.get("ordered", False), one["rules"])


def bare(canonical: str) -> str:
    """A canonical without its version."""
    return canonical.partition("|")[0]


def _bare(canonicals: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(bare, canonicals))


class _Canonical(msgspec.Struct):
    url: str = ""


_canonical = msgspec.json.Decoder(_Canonical).decode


def canonical_of(body: bytes) -> str:
    """The canonical of a conformance resource, "" where it has none."""
    return _canonical(body).url
