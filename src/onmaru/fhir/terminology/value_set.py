"""A ValueSet as it is kept: what it includes and excludes, or its expansion where that is all there is."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onmaru.fhir.terminology.concepts import Designation, Json, designations
from onmaru.fhir.terminology.filters import Filter

_TEXTS = ("url", "version", "name", "title", "status")


class Named(msgspec.Struct, frozen=True, array_like=True):
    """One code that a value set lists, with the display it gives it."""

    code: str
    display: str = ""
    designations: tuple[Designation, ...] = ()


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One include or exclude. `codes` None: every code of the system that the filters leave, of those in `value_sets`."""

    system: str
    version: str
    codes: tuple[Named, ...] | None
    filters: tuple[Filter, ...]
    value_sets: tuple[str, ...]


class ValueSet(msgspec.Struct, frozen=True, array_like=True):
    """`inactive` False: inactive codes are left out."""

    url: str
    version: str
    name: str
    title: str
    status: str
    inactive: bool
    include: tuple[Part, ...]
    exclude: tuple[Part, ...]


def value_set(resource: Json) -> ValueSet:
    """Read a ValueSet that passed structural validation."""
    told = resource.get("compose", {})
    include, exclude = (tuple(map(_part, told.get(name, ()))) for name in ("include", "exclude"))
    if not told:
        include = tuple(_expanded(resource.get("expansion", {})))
    url, version, name, title, status = (resource.get(one, "") for one in _TEXTS)
    return ValueSet(url, version, name, title, status, told.get("inactive", True), include, exclude)


def _part(one: Json) -> Part:
    listed = one.get("concept")
    codes = None if listed is None else tuple(map(_named, listed))
    filters = tuple(Filter(f["property"], f["op"], f["value"]) for f in one.get("filter", ()))
    return Part(one.get("system", ""), one.get("version", ""), codes, filters, tuple(one.get("valueSet", ())))


def _named(one: Json) -> Named:
    return Named(one["code"], one.get("display", ""), designations(one.get("designation", ())))


def _expanded(expansion: Json) -> Iterable[Part]:
    by_system: dict[tuple[str, str], list[Named]] = {}
    waiting = list(reversed(expansion.get("contains", ())))
    while waiting:
        one = waiting.pop()
        if "code" in one:
            by_system.setdefault((one.get("system", ""), one.get("version", "")), []).append(_named(one))
        waiting += reversed(one.get("contains", ()))
    return [Part(system, version, tuple(codes), (), ()) for (system, version), codes in by_system.items()]


def patterns(found: ValueSet) -> int:
    """How many of its filters are regular expressions, which cost more than others."""
    return sum(one.op == "regex" for part in (*found.include, *found.exclude) for one in part.filters)


def everything(url: str, version: str, canonical: str) -> ValueSet:
    """The implicit value set of all codes of a system."""
    return ValueSet(canonical, version, "", "", "active", True, (Part(url, version, None, (), ()),), ())
