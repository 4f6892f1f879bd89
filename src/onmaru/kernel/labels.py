"""Security labels: what each means, which of them a caller sees, and who may lower one. The table is data: labels.toml.

Its one law: a label hides and never shows; one of a known system that nobody knows counts as the most confidential.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Caller, Purpose, Role

Coding = tuple[str, str]
# Of something erased nobody knows the labels
UNKNOWN_LABEL: Coding = ("", "")


class _Confidentiality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    system: str
    order: tuple[str, ...]
    unlabelled: str
    retired: frozenset[str]


class _Classes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    system: str
    below: Mapping[str, tuple[str, ...]]


class _Meanings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    confidentiality: _Confidentiality
    classes: tuple[_Classes, ...]


class Meanings:
    """Ranks of confidentiality and classes of sensitivity, by coding. A coding without a system means any system's."""

    def __init__(self, source: str) -> None:
        read = msgspec.convert(tomllib.loads(source), _Meanings)
        self.system = read.confidentiality.system
        self._order = read.confidentiality.order
        self._codes = read.confidentiality.retired | frozenset(self._order)
        self.normal = self._order.index(read.confidentiality.unlabelled)
        self.top = len(self._order) - 1
        self._classes: dict[str, Coding] = {}
        self._within: dict[Coding, frozenset[Coding]] = {}
        for table in read.classes:
            for parent, children in table.below.items():
                for code in (parent, *children):
                    self._classes.setdefault(code, (table.system, code))
            for code in {*table.below, *(one for children in table.below.values() for one in children)}:
                self._within[table.system, code] = frozenset(_closed(table, code))

    def strange(self, coding: Coding) -> bool:
        """Whether it names a confidentiality that there is not."""
        return coding[0] == self.system and coding[1] not in self._codes

    def rank(self, coding: Coding) -> int | None:
        """How confidential; None where the coding says nothing of that."""
        system, code = coding
        if system not in ("", self.system) or (system == "" and code not in self._order):
            return None
        if code in self._order:
            return self._order.index(code)
        return None if code in self._classes else self.top

    def kind(self, coding: Coding) -> Coding | None:
        """The sensitivity class; None where the coding names none."""
        system, code = coding
        if coding in self._within:
            return coding
        known = system in ("", self.system) and self.rank(coding) is None
        return self._classes.get(code) if known else None

    def within(self, coding: Coding) -> frozenset[Coding]:
        """A class and all those below it."""
        return self._within.get(coding, frozenset({coding}))

    def highest(self, labels: Iterable[Coding]) -> int:
        """The confidentiality of what bears these labels."""
        ranks = [rank for one in labels if (rank := self.rank(one)) is not None]
        return max(ranks, default=self.normal)

    def level(self, code: str) -> int:
        """The rank of a code of the order; ValueError for another."""
        return self._order.index(code)


def _closed(table: _Classes, code: str) -> Iterable[Coding]:
    yield table.system, code
    for child in table.below.get(code, ()):
        yield from _closed(table, child)


@cache
def meanings() -> Meanings:
    """What ships with the house."""
    return Meanings(files("onmaru.kernel").joinpath("sensitivity.toml").read_text("utf-8"))


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `labels.toml`; its head says what the fields mean."""

    roles: frozenset[Role]
    purposes: frozenset[Purpose]
    most: str
    classes: frozenset[str]
    lowers: bool = False


def rows(source: str) -> tuple[Row, ...]:
    """Read a label table (TOML text); a confidentiality or a class that nobody knows is a ValueError."""
    found = msgspec.convert(tomllib.loads(source)["row"], tuple[Row, ...])
    known = meanings()
    for row in found:
        known.level(row.most)
        unknown = [code for code in row.classes if code != "*" and known.kind(("", code)) is None]
        if unknown:
            raise ValueError(f"no sensitivity class: {', '.join(unknown)}")
    return found


@cache
def standard() -> tuple[Row, ...]:
    """The table that ships with the house."""
    return rows(files("onmaru.kernel").joinpath("labels.toml").read_text("utf-8"))


class Allowance(NamedTuple):
    """What a caller sees: up to a confidentiality, and classes (None: all)."""

    most: int
    classes: frozenset[Coding] | None
    lowers: bool


# No label and no patient
NOTHING: tuple[frozenset[Coding], frozenset[str]] = (frozenset(), frozenset())
LEAST = Allowance(meanings().normal, frozenset(), False)


def allowance(roles: Iterable[Role], purpose: str, table: Iterable[Row]) -> Allowance:
    """What the rows that speak for one of these roles and this purpose add up to; where none does, the unlabelled."""
    held, known = frozenset(roles), meanings()
    most, lowers = known.normal, False
    classes: frozenset[Coding] | None = frozenset()
    for row in table:
        if held.isdisjoint(row.roles) or purpose not in row.purposes:
            continue
        most, lowers = max(most, known.level(row.most)), lowers or row.lowers
        if "*" in row.classes or classes is None:
            classes = None
        else:
            kinds = [known.kind(("", code)) for code in row.classes]
            classes |= frozenset(one for kind in kinds if kind is not None for one in known.within(kind))
    return Allowance(most, classes, lowers)


def hides(allowed: Allowance, coding: Coding) -> bool:
    """Whether a label hides what bears it."""
    known = meanings()
    rank = known.rank(coding)
    if rank is not None:
        return rank > allowed.most
    kind = known.kind(coding)
    return kind is not None and allowed.classes is not None and kind not in allowed.classes


def lowered(before: Sequence[Coding], after: Sequence[Coding]) -> bool:
    """Whether labels say less than those before them: a lower confidentiality, or without one of the classes."""
    known = meanings()
    if known.highest(after) < known.highest(before):
        return True
    kinds = {kind for one in before if (kind := known.kind(one)) is not None}
    still = {kind for one in after if (kind := known.kind(one)) is not None}
    return any(known.within(kind).isdisjoint(still) for kind in kinds)


def refuse_strange(type: str, labels: Iterable[Coding]) -> None:
    """`Invalid` 422 for a confidentiality that there is not, on its way into the record."""
    for label in labels:
        if meanings().strange(label):
            raise invalid("code-invalid", "no such code of v3-Confidentiality", f"{type}.meta.security", 422)


class Labels:
    """The labels that occur in one tenant and hide something from somebody, fed from the log; asked at every access.

    `any`: whether anything bears a label at all. While none occurs that hides something from a caller, nothing is masked and
    no access pays for labels.
    """

    def __init__(self, table: Sequence[Row] | None = None) -> None:
        self._table = standard() if table is None else tuple(table)
        self._codings: set[Coding] = set()
        self.any = False
        self._patients: dict[str, frozenset[Coding]] = {}
        self._found: dict[tuple[frozenset[Role], str], tuple[frozenset[Coding], frozenset[str]]] = {}

    @property
    def hiding(self) -> frozenset[Coding]:
        """The labels that hide something from who sees least."""
        return frozenset(self._codings)

    def occur(self, codings: Iterable[Coding]) -> None:
        """Take note of labels that something bears."""
        borne = set(codings)
        self.any = self.any or bool(borne)
        fresh = {one for one in borne - self._codings if hides(LEAST, one)}
        if fresh:
            self._codings |= fresh
            self._found.clear()

    def take(self, type: str, id: str, labels: Iterable[Coding]) -> None:
        """Take note of the labels of a version that was appended. Those of a Patient count for all that is the patient's."""
        self.occur(labels)
        borne = frozenset(one for one in labels if hides(LEAST, one))
        if type == "Patient" and self._patients.get(id, frozenset()) != borne:
            self._found.clear()
            if borne:
                self._patients[id] = borne
            else:
                self._patients.pop(id, None)

    def of(self, patient: str) -> frozenset[Coding]:
        """The labels of a Patient that hide something from somebody."""
        return self._patients.get(patient, frozenset())

    def masked(self, caller: Caller) -> tuple[frozenset[Coding], frozenset[str]]:
        """The labels that hide from this caller what bears them, and the patients whose own labels hide all of theirs."""
        if not self._codings or "system" in caller.roles:
            return NOTHING
        asker = (caller.roles, caller.purpose)
        found = self._found.get(asker)
        if found is None:
            allowed = allowance(caller.roles, caller.purpose, self._table)
            codings = frozenset(one for one in self._codings if hides(allowed, one))
            patients = frozenset(id for id, borne in self._patients.items() if not codings.isdisjoint(borne))
            found = self._found[asker] = codings, patients
        return found

    def may_lower(self, caller: Caller) -> bool:
        """Whether this caller may write a resource with lower labels than it has."""
        return "system" in caller.roles or allowance(caller.roles, caller.purpose, self._table).lowers


class _Coding(msgspec.Struct):
    system: str = ""
    code: str = ""


class _Meta(msgspec.Struct):
    security: list[_Coding] = []


class _Bearer(msgspec.Struct):
    meta: _Meta | None = None


_bearer = msgspec.json.Decoder(_Bearer).decode


def borne(body: bytes) -> Sequence[Coding]:
    """The security labels in a stored body."""
    if b'"security"' not in body and b"\\u" not in body:
        return ()
    meta = _bearer(body).meta
    return [(one.system, one.code) for one in meta.security if one.code] if meta is not None else ()
