"""What a value set holds, chosen as sets of numbers: includes joined, excludes taken away, paged by slices (expansion).

A value set that is made of itself, or draws on what is not at hand, is refused by name: a list with a hole misleads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
from pyroaring import BitMap

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.canonical import fits, joined, parted
from onmaru.fhir.terminology.filters import PATTERNS, NotUnderstood, left
from onmaru.fhir.terminology.members import SPECIAL
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.text import folded, met
from onmaru.fhir.terminology.value_set import Named, Part, ValueSet, patterns

DEEPEST = 64
FILTERS = 2_000
LISTED = 100_000
"""Codes that one include may list by name."""


class Known(Protocol):
    """The part of a Terminology that choosing needs."""

    def system(self, url: str, version: str = "") -> System | None: ...

    def value_set(self, url: str, version: str = "") -> ValueSet | None: ...

    def supplements(self, url: str) -> Sequence[System]: ...


class Pins(msgspec.Struct, frozen=True):
    """Versions of code systems by url: `default` where a value set names none, `forced` whatever it names, `checked` or it
    is refused; `excluded` are canonicals of systems to leave out."""

    default: dict[str, str] = {}
    forced: dict[str, str] = {}
    checked: dict[str, str] = {}
    excluded: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """A code system in one version. `system` None: it is not at hand."""

    url: str
    version: str
    system: System | None

    @property
    def key(self) -> tuple[str, str]:
        return self.url, self.version


class Entry(msgspec.Struct, frozen=True):
    """A code that a value set lists by itself; `number` None where its system has not got it."""

    number: int | None
    named: Named


class Run(msgspec.Struct, frozen=True):
    """A stretch of a selection in one system: `numbers` in their order, or `entries` in the order of the value set."""

    place: Place
    numbers: BitMap | None
    entries: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.entries) if self.numbers is None else len(self.numbers)

    def cut(self, start: int, stop: int) -> Run:
        """A slice of it."""
        if self.numbers is None:
            return Run(self.place, None, self.entries[start:stop])
        return Run(self.place, BitMap(self.numbers[start:stop]))


Held = dict[tuple[str, str], tuple[BitMap, set[str]]]


class Selection:
    """The codes chosen, in order, each once. `used`: the systems they were drawn from."""

    def __init__(self, runs: Iterable[Run], used: dict[str, None]) -> None:
        self.runs = [one for one in runs if len(one)]
        self.used = used

    @property
    def total(self) -> int:
        return sum(map(len, self.runs))

    def page(self, offset: int, count: int) -> list[Run]:
        """The runs between two places."""
        found = []
        for run in self.runs:
            if count <= 0:
                break
            piece = run.cut(offset, offset + count)
            found += [piece] if len(piece) else []
            count -= len(piece)
            offset = max(0, offset - len(run))
        return found

    def pairs(self) -> list[tuple[str, str]]:
        """(system, code) of all."""
        found = []
        for run in self.runs:
            url, system = run.place.url, run.place.system
            found += [(url, one.named.code) for one in run.entries]
            if run.numbers is not None and system is not None:
                found += [(url, code) for _, code in system.codes(run.numbers)]
        return found


class Choosing:
    """Chooses what a value set holds, as its systems stand under `pins`."""

    def __init__(self, known: Known, pins: Pins = Pins()) -> None:  # noqa: B008 - it is frozen
        self._known = known
        self._pins = pins
        self._open: list[str] = []
        self._filters = self._patterns = 0
        self._done: dict[str, list[Run]] = {}
        self._used: dict[str, None] = {}

    def selection(self, found: ValueSet) -> Selection:
        """Raises Invalid: 404 what is not at hand, 422 what is made of itself or cannot be listed, too-costly among it."""
        return Selection(self._chosen(found), self._used)

    def _chosen(self, found: ValueSet) -> list[Run]:
        name = joined(found.url, found.version) or "-"
        if name in self._open:
            raise invalid("business-rule", "the value set is made of itself", "ValueSet.compose", 422)
        if len(self._open) >= DEEPEST:
            raise invalid("too-costly", f"more than {DEEPEST} value sets rest on one another", "ValueSet.compose", 422)
        self._open.append(name)
        try:
            self._afford(found)
            runs: list[Run] = []
            seen: Held = {}
            for number, part in enumerate(found.include):
                new = without(self._drawn(part, f"include[{number}]"), seen)
                runs += new
                held(new, seen)
            for number, part in enumerate(found.exclude):
                runs = without(runs, held(self._drawn(part, f"exclude[{number}]")))
        finally:
            self._open.pop()
        return runs if found.inactive else active(runs)

    def _afford(self, found: ValueSet) -> None:
        """Count the filters of all that is drawn on. Raises Invalid 422 for more than one question may take."""
        self._filters += sum(len(part.filters) for part in (*found.include, *found.exclude))
        self._patterns += patterns(found)
        if self._filters > FILTERS or self._patterns > PATTERNS:
            reason = f"more than {FILTERS} filters, or than {PATTERNS} by regular expressions"
            raise invalid("too-costly", reason, "ValueSet.compose", 422)

    def _drawn(self, part: Part, where: str) -> list[Run]:
        runs = self._of_system(part, where) if part.system else None
        for canonical in part.value_sets:
            url, version = parted(canonical)
            inner = self._known.value_set(url, version)
            if inner is None:
                raise invalid("not-found", "a value set that is drawn on is not known", f"{where}.valueSet", 404)
            # Sets that are drawn on again and again are chosen once, or forty of them could ask for a million million
            if canonical not in self._done:
                self._done[canonical] = self._chosen(inner)
            chosen = self._done[canonical]
            runs = chosen if runs is None else within(runs, held(chosen))
        return runs or []

    def _of_system(self, part: Part, where: str) -> list[Run]:
        if any(url == part.system and fits(v, part.version) for url, v in map(parted, self._pins.excluded)):
            return []
        place = self._place(part, where)
        if part.codes is not None:
            if len(part.codes) > LISTED:
                raise invalid(
                    "too-costly", f"a value set lists at most {LISTED} codes by name", f"{where}.concept", 422
                )
            return [_picked(place, part.codes)]
        system = place.system
        if system is None or system.about.content == "not-present":
            if part.system in SPECIAL:
                raise invalid(
                    "too-costly", "the codes of this system are a language without end", f"{where}.system", 422
                )
            raise invalid("not-found", "the code system, or its codes, are not at hand", f"{where}.system", 404)
        numbers = system.everything()
        try:
            for one in part.filters:
                numbers &= left(system, one)
        except NotUnderstood as reason:
            raise invalid("not-supported", str(reason), f"{where}.filter", 422) from None
        return [Run(place, numbers)]

    def _place(self, part: Part, where: str) -> Place:
        """The version of a system that is meant. Raises Invalid 422 where it is not the one that was to be checked."""
        url, pins = part.system, self._pins
        version = pins.forced.get(url) or part.version or pins.default.get(url, "")
        system = self._known.system(url, version)
        standing = system.about.version if system is not None else version
        wanted = pins.checked.get(url, "")
        if wanted and not fits(wanted, standing):
            raise invalid(
                "conflict", "the code system is not of the version that was to be checked", f"{where}.system", 422
            )
        if version and system is None and part.codes is None:
            raise invalid("not-found", "the code system is not at hand in this version", f"{where}.version", 404)
        self._used[joined(url, standing)] = None
        return Place(url, standing, system)


def _picked(place: Place, codes: Iterable[Named]) -> Run:
    system = place.system
    seen = {one.code: one for one in codes}
    return Run(
        place, None, tuple(Entry(None if system is None else system.number(one.code), one) for one in seen.values())
    )


def held(runs: Iterable[Run], found: Held | None = None) -> Held:
    """What runs hold by system: numbers, and the codes that have none; added to what is `found` already."""
    found = {} if found is None else found
    for run in runs:
        numbers, codes = found.setdefault(run.place.key, (BitMap(), set()))
        if run.numbers is not None:
            numbers |= run.numbers
        for one in run.entries:
            if one.number is None:
                codes.add(one.named.code)
            else:
                numbers.add(one.number)
    return found


def without(runs: Iterable[Run], gone: Held) -> list[Run]:
    """Runs less what is held elsewhere."""
    return [left for run in runs if len(left := _kept(run, gone, inside=False))]


def within(runs: Iterable[Run], kept: Held) -> list[Run]:
    """Runs as far as they are held elsewhere too."""
    return [left for run in runs if len(left := _kept(run, kept, inside=True))]


def _kept(run: Run, other: Held, *, inside: bool) -> Run:
    numbers, codes = other.get(run.place.key, (BitMap(), set()))
    if run.numbers is not None:
        return Run(run.place, run.numbers & numbers if inside else run.numbers - numbers)

    def has(one: Entry) -> bool:
        return one.named.code in codes if one.number is None else one.number in numbers

    return Run(run.place, None, tuple(one for one in run.entries if has(one) == inside))


def _less(runs: Iterable[Run], flagged: str) -> Iterator[Run]:
    for run in runs:
        system = run.place.system
        gone = BitMap() if system is None else system.inactive() if flagged == "inactive" else system.abstract()
        if run.numbers is not None:
            yield Run(run.place, run.numbers - gone)
        else:
            yield Run(
                run.place, None, tuple(one for one in run.entries if one.number is None or one.number not in gone)
            )


def active(runs: Iterable[Run]) -> list[Run]:
    """Runs without the codes that are no longer to be used."""
    return list(_less(runs, "inactive"))


def choosable(runs: Iterable[Run]) -> list[Run]:
    """Runs without the codes that are not to be chosen."""
    return list(_less(runs, "abstract"))


def worded(runs: Iterable[Run], wanted: list[str], known: Known) -> list[Run]:
    """Runs as far as their texts, those of supplements too, meet a text filter."""
    found = []
    for run in runs:
        system = run.place.system
        numbers = BitMap() if system is None else system.matching(wanted)
        if system is not None:
            for extra in known.supplements(run.place.url):
                codes = (code for _, code in extra.codes(extra.matching(wanted)))
                numbers |= BitMap(n for code in codes if (n := system.number(code)) is not None)
        if run.numbers is not None:
            found.append(Run(run.place, run.numbers & numbers))
        else:
            found.append(Run(run.place, None, tuple(one for one in run.entries if _worded(one, wanted, numbers))))
    return found


def _worded(one: Entry, wanted: list[str], numbers: BitMap) -> bool:
    if one.number is not None and one.number in numbers:
        return True
    named = one.named
    return met(wanted, folded([named.code, named.display, *(each.value for each in named.designations)]))
