"""A search request's pairs to a Query: every problem at once, each with the parameter's name and never its value."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.query import Node, Parameter, Query, Sort
from onmaru.fhir.search import clauses, includes
from onmaru.fhir.search.catalogue import CONTENT, NARRATIVE
from onmaru.fhir.search.catalogue import types as known_types
from onmaru.fhir.search.clauses import Unknown
from onmaru.fhir.search.context import Context, Limits, TooMuch
from onmaru.fhir.search.written import Malformed

Own = Mapping[str, Mapping[str, Parameter]]
WORDS = (NARRATIVE, CONTENT)
IGNORED = frozenset({"_format", "_pretty"})
RESULTS = 50
"""How many result parameters and repeated includes may stand beside the clauses."""
ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}(?:\.[A-Za-z][A-Za-z0-9]{0,63})*", re.ASCII)
CURSOR = re.compile(r"[A-Za-z0-9_\-.~=]{1,1024}", re.ASCII)


def clock() -> int:
    """µs since 1970 UTC."""
    return time.time_ns() // 1000


def parse(
    types: tuple[str, ...],
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    limits: Limits | None = None,
    now: Callable[[], int] = clock,
    base: str = "",
) -> Query:
    """The Query for decoded name-value pairs on one type, several, or () for all (which `_type` may narrow).

    `lenient` drops parameters that do not exist for the type, and nothing else; `Query.pairs` holds those that were
    used. `now` serves the prefix `ap` on dates; `base` is this server's address, below which an absolute reference counts as
    relative. Raises Invalid (400) with every problem.
    """
    return _parsed(types, pairs, Context(now(), limits or Limits(), base), lenient)


def parse_here(
    types: tuple[str, ...], pairs: Sequence[tuple[str, str]], own: Own, *, lenient: bool = False, base: str = ""
) -> Query:
    """The same with the parameters that a tenant defined itself: type → code → parameter (own.py)."""
    return _parsed(types, pairs, Context(clock(), Limits(), base, own), lenient)


def _parsed(types: tuple[str, ...], pairs: Sequence[tuple[str, str]], context: Context, lenient: bool) -> Query:
    limits = context.limits
    if len(pairs) > limits.clauses + RESULTS:
        raise invalid("too-costly", f"at most {limits.clauses + RESULTS} parameters are taken")
    reader = _Reader(types, context, lenient)
    narrowing = [text for name, text in pairs if name == "_type"]
    if narrowing:
        reader.attempt("_type", narrowing[0], reader.narrow)
    for name, text in pairs:
        if name not in IGNORED and name != "_type":
            reader.pair(name, text)
    if len(narrowing) > 1:
        reader.refuse("_type", "value", "is given twice")
    if len(reader.clauses) > reader.context.limits.clauses:
        reader.refuse("", "too-costly", f"at most {reader.context.limits.clauses} clauses are taken")
    if reader.issues:
        raise Invalid(reader.issues[:50], 400)
    return reader.query()


class _Reader:
    """Collects what the pairs say; `attempt` turns a problem into an issue."""

    def __init__(self, types: tuple[str, ...], context: Context, lenient: bool) -> None:
        self.types = types
        self.context = context
        self.lenient = lenient
        self.clauses: list[Node] = []
        self.result: dict[str, Any] = {}
        self.used: list[tuple[str, str]] = []
        self.issues: list[Issue] = []
        if not known_types().issuperset(types):
            self.refuse("", "not-supported", "the searched type is no FHIR R4 resource type")

    def query(self) -> Query:
        """`_count=0` asks for the total alone, as `_summary=count` does (R4 search 3.1.1.5.7)."""
        if self.result.get("count") == 0:
            self.result.setdefault("summary", "count")
        return Query(types=self.types, clauses=tuple(self.clauses), pairs=tuple(self.used), **self.result)

    def refuse(self, name: str, code: str, reason: str) -> None:
        shown = name if clauses.PRINTABLE.fullmatch(name) else "(unprintable name)"
        self.issues.append(Issue(code, f"parameter {shown}: {reason}" if name else reason))

    def attempt(self, name: str, text: str, read: Callable[[str, str], None]) -> None:
        try:
            read(name, text)
        except Unknown as problem:
            if not self.lenient:
                self.refuse(name, "not-supported", str(problem))
        except Malformed as problem:
            self.refuse(name, "value", str(problem))
        except TooMuch as problem:
            self.refuse(name, "too-costly", str(problem))
        else:
            self.used.append((name, text))

    def pair(self, name: str, text: str) -> None:
        if self.types and not known_types().issuperset(self.types):
            return
        head = name.partition(":")[0]
        self.attempt(name, text, _RESULT[head].__get__(self) if head in _RESULT else self.clause)

    def clause(self, name: str, text: str) -> None:
        """On several types the parameter must be the same one on all."""
        first, *others = self.types or ("",)
        if name != "_list" and not name.startswith("_has:"):
            code = re.split(r"[:.]", name)[0]
            known = [clauses.parameter(type, code, self.context) for type in (first, *others)]
            if any(one != known[0] for one in known):
                raise Malformed("the parameter differs between the searched types")
        self.clauses.append(clauses.node(first, name, text, self.context))

    def narrow(self, name: str, text: str) -> None:
        wanted = tuple(text.split(","))
        if not known_types().issuperset(wanted):
            raise Malformed("names no resource type")
        if self.types:
            raise Malformed("narrows a search on the whole system only")
        self.types = wanted

    def once(self, name: str, value: Any) -> None:
        if name in self.result:
            raise Malformed("is given twice")
        self.result[name] = value

    def bare(self, name: str) -> None:
        if ":" in name:
            raise Malformed("takes no modifier")

    def sort(self, name: str, text: str) -> None:
        self.bare(name)
        if text.count(",") >= self.context.limits.clauses:
            raise TooMuch(f"at most {self.context.limits.clauses} keys are taken")
        keys = tuple(self.sort_one(one) for one in text.split(","))
        self.once("sort", keys)

    def sort_one(self, text: str) -> Sort:
        code = text.removeprefix("-")
        found = [self._sortable(type, code) for type in self.types or ("",)]
        first = found[0]
        if first is None or any(one != first for one in found) or first.kind == "composite" or first.sp in WORDS:
            raise Malformed("names a parameter that cannot be sorted by")
        return Sort(first, text.startswith("-"))

    def _sortable(self, type: str, code: str) -> Parameter | None:
        return clauses.known(type).get(code) or self.context.own.get(type, {}).get(code)

    def count(self, name: str, text: str) -> None:
        self.bare(name)
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
            raise Malformed("is a whole number")
        self.once("count", min(int(text), self.context.limits.count))

    def include(self, name: str, text: str) -> None:
        """`:recurse` is what `:iterate` was called before R4."""
        kind, _, modifier = name.partition(":")
        if modifier not in ("", "iterate", "recurse"):
            raise Malformed("has no modifier but :iterate")
        iterate = bool(modifier)
        read = includes.forward if kind == "_include" else includes.backward
        field = kind.removeprefix("_")
        self.result[field] = (*self.result.get(field, ()), read(text, self.types, iterate=iterate))

    def word(self, name: str, text: str) -> None:
        self.bare(name)
        if text not in _WORDS[name]:
            raise Malformed("is one of " + ", ".join(_WORDS[name]))
        self.once(name.removeprefix("_"), text)

    def explain(self, name: str, text: str) -> None:
        self.bare(name)
        if text not in ("true", "false"):
            raise Malformed("is true or false")
        self.once("explain", text == "true")

    def elements(self, name: str, text: str) -> None:
        self.bare(name)
        names = tuple(text.split(","))
        if len(names) > self.context.limits.values or not all(ELEMENT.fullmatch(one) for one in names):
            raise Malformed("is a list of element names")
        self.once("elements", names)

    def cursor(self, name: str, text: str) -> None:
        self.bare(name)
        if not CURSOR.fullmatch(text):
            raise Malformed("is no page token")
        self.once("cursor", text)


_WORDS: dict[str, tuple[str, ...]] = {
    "_summary": ("true", "text", "data", "count", "false"),
    "_total": ("none", "estimate", "accurate"),
}
_RESULT: dict[str, Callable[[_Reader, str, str], None]] = {
    "_sort": _Reader.sort,
    "_count": _Reader.count,
    "_include": _Reader.include,
    "_revinclude": _Reader.include,
    "_summary": _Reader.word,
    "_total": _Reader.word,
    "_elements": _Reader.elements,
    "_cursor": _Reader.cursor,
    "_explain": _Reader.explain,
}
