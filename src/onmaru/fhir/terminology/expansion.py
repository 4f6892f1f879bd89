"""`ValueSet/$expand` (valueset-operation-expand.html): the codes of a value set, whole or by pages, with an exact total.

Without `count` a value set of more than MOST codes is refused (too-costly): nobody reads so long a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.asked import Asked
from onmaru.fhir.terminology.coded import shown
from onmaru.fhir.terminology.concepts import Concept, Designation, spoken, text_in
from onmaru.fhir.terminology.lookup import known_designations
from onmaru.fhir.terminology.pinned import pins
from onmaru.fhir.terminology.selection import Choosing, Entry, Place, Run, Selection, active, choosable, worded
from onmaru.fhir.terminology.telling import coding
from onmaru.fhir.terminology.terminology import Terminology
from onmaru.fhir.terminology.text import words
from onmaru.fhir.terminology.validate_code import named_set
from onmaru.fhir.terminology.value_set import Named, ValueSet, value_set

MOST = 10_000
"""Codes of one answer."""
LONGEST = 500
"""Letters of a text filter."""
DEEPEST = 40
"""Levels of an expansion as a tree; what lies deeper stands at the top again, or JSON would nest beyond reading."""
Json = dict[str, Any]


class Expanding:
    """One question."""

    def __init__(self, terms: Terminology, asked: Asked, instance: ValueSet | None = None) -> None:
        self._terms = terms
        self._asked = asked
        own = asked.get("valueSet")
        self._set = value_set(own) if own is not None else instance or named_set(terms, asked)
        self._language = asked.text("displayLanguage")

    def expanded(self, identifier: str, now: str) -> Json:
        """The ValueSet with its expansion. `identifier` a fresh uri, `now` a dateTime. Raises Invalid."""
        asked = self._asked
        if asked.get("context") is not None or asked.get("contextDirection") is not None:
            raise invalid("not-supported", "value sets are named by url, not by context", "context")
        chosen = self._chosen()
        count, offset, total = asked.get("count"), asked.get("offset") or 0, chosen.total
        if (total - offset if count is None else count) > MOST:
            reason = f"more than {MOST} codes; ask for pages by count and offset, or narrow it by a filter"
            raise invalid("too-costly", reason, "count", 422)
        page = chosen.page(offset, total if count is None else count)
        nested = asked.get("excludeNested") is False and count is None and not offset and len(page) == 1
        shown = self._nested(page[0]) if nested else [one for run in page for one in self._told(run)]
        expansion: Json = {"identifier": identifier, "timestamp": now, "total": total, "offset": offset}
        expansion["parameter"] = self._parameters(chosen)
        if shown:
            expansion["contains"] = shown
        return {**self._head(), "expansion": {name: value for name, value in expansion.items() if value != []}}

    def _head(self) -> Json:
        found = self._set
        texts = {one: getattr(found, one) for one in ("url", "version", "name", "title", "status")}
        head = {"resourceType": "ValueSet", **{name: text for name, text in texts.items() if text}}
        head.setdefault("status", "active")
        if self._asked.flag("includeDefinition"):
            head["compose"] = _compose(found)
        return head

    def _chosen(self) -> Selection:
        asked = self._asked
        chosen = Choosing(self._terms, pins(asked)).selection(self._set)
        runs: list[Run] = chosen.runs
        if asked.flag("activeOnly"):
            runs = active(runs)
        if asked.flag("excludeNotForUI"):
            runs = choosable(runs)
        wanted = asked.text("filter")
        if len(wanted) > LONGEST:
            raise invalid("too-long", f"a filter has at most {LONGEST} letters", "filter")
        if wanted:
            looked = words(wanted)
            runs = worded(runs, looked, self._terms) if looked else []
        return Selection(runs, chosen.used)

    def _parameters(self, chosen: Selection) -> list[Json]:
        asked = self._asked
        told: list[Json] = []
        for name in ("filter", "displayLanguage"):
            if asked.text(name):
                told.append({"name": name, "valueString": asked.text(name)})
        for name in ("offset", "count"):
            if asked.get(name) is not None:
                told.append({"name": name, "valueInteger": asked.get(name)})
        for name in ("activeOnly", "includeDesignations", "excludeNested", "excludeNotForUI"):
            if asked.get(name) is not None:
                told.append({"name": name, "valueBoolean": asked.get(name)})
        return told + [{"name": "version", "valueUri": one} for one in chosen.used if "|" in one]

    def _told(self, run: Run) -> Iterator[Json]:
        """The codes of a run, each with its display."""
        if run.numbers is None:
            for one in run.entries:
                yield self._entry(run.place, one)
            return
        system = run.place.system
        assert system is not None, "numbers are of a system at hand"
        for concept in system.concepts(list(run.numbers)):
            yield self._item(run.place, concept, None)

    def _entry(self, place: Place, one: Entry) -> Json:
        if one.number is None or place.system is None:
            return self._item(place, Concept(one.named.code), one.named)
        return self._item(place, place.system.concepts([one.number])[0], one.named)

    def _item(self, place: Place, concept: Concept, named: Named | None) -> Json:
        item: Json = {"system": place.url} if place.url else {}
        if concept.abstract:
            item["abstract"] = True
        if concept.inactive:
            item["inactive"] = True
        item["code"] = concept.code if named is None else named.code
        display = self._display(place, concept, named)
        if display:
            item["display"] = display
        if self._asked.flag("includeDesignations") or self._asked.all("designation"):
            told = [_designation(one) for one in self._designations(place, concept, named)]
            item |= {"designation": told} if told else {}
        return item

    def _display(self, place: Place, concept: Concept, named: Named | None) -> str:
        """The value set's own text goes first; a language asked for goes before both."""
        own = named.display if named is not None else ""
        if not self._language:
            return own or concept.display
        if named is not None and named.designations:
            said = text_in(Concept(named.code, "", "", named.designations), self._language, "")
            if said:
                return said
        said = concept.display if place.system is None else shown(self._terms, place.system, concept, self._language)
        return said if said and said != concept.display else own or said

    def _designations(self, place: Place, concept: Concept, named: Named | None) -> Iterator[Designation]:
        listed = [] if named is None else list(named.designations)
        if place.system is not None:
            listed += known_designations(self._terms, place.system, concept)
        wanted: Sequence[str] = self._asked.all("designation")
        for one in listed:
            if not wanted or any(_is(one, each) for each in wanted):
                yield one

    def _nested(self, run: Run) -> list[Json]:
        """A run as the tree that its system makes of it: each code under the first parent that is in the run too."""
        system = run.place.system
        if system is None or run.numbers is None:
            return list(self._told(run))
        items = dict(zip(run.numbers, self._told(run), strict=True))
        below: dict[int, list[int]] = {}
        tops = []
        for number in items:
            over = next(iter(system.parents(number) & run.numbers), None)
            below.setdefault(over, []).append(number) if over is not None else tops.append(number)
        return _tree(items, below, tops)


def _tree(items: dict[int, Json], below: dict[int, list[int]], tops: list[int]) -> list[Json]:
    """Items in one another. Those of a ring of parents, which hang from no top, are told flat."""
    roots, left, level = [items[number] for number in tops], dict.fromkeys(items), tops
    for number in tops:
        del left[number]
    for _ in range(DEEPEST):
        further = []
        for over in level:
            for number in below.get(over, ()):
                items[over].setdefault("contains", []).append(items[number])
                del left[number]
                further.append(number)
        level = further
    return [*roots, *(items[number] for number in left)]


def _is(one: Designation, asked: str) -> bool:
    """Whether a designation is of the use or the language that a `designation` names: system|code."""
    system, _, code = asked.rpartition("|")
    if system == "urn:ietf:bcp:47":
        return spoken(one.language, code)
    return one.use[:2] == (system, code)


def _designation(one: Designation) -> Json:
    told: Json = {"language": one.language} if one.language else {}
    if any(one.use):
        told["use"] = coding(*one.use)
    return {**told, "value": one.value}


def _compose(found: ValueSet) -> Json:
    """The definition again, as it was read."""
    told: Json = {"include": [_part(one) for one in found.include]}
    if found.exclude:
        told["exclude"] = [_part(one) for one in found.exclude]
    return told if found.inactive else {"inactive": False, **told}


def _part(one: Any) -> Json:
    told: Json = {"system": one.system, "version": one.version, "valueSet": list(one.value_sets)}
    if one.codes is not None:
        told["concept"] = [
            {"code": each.code, **({"display": each.display} if each.display else {})} for each in one.codes
        ]
    told["filter"] = [{"property": each.name, "op": each.op, "value": each.value} for each in one.filters]
    return {name: value for name, value in told.items() if value}
