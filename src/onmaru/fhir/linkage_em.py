"""How often two records of one person agree, by field, estimated from a record's own pairs by expectation-maximisation.

Fellegi and Sunter's model with fields that are independent given whether two are one person, fitted as Winkler describes it
(Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model, 1988): pairs that share a value of one field say
how often the others agree; how often two chance persons agree is counted of chance pairs. Its one law: the same records in
the same order give the same figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from math import prod

import msgspec

from onmaru.fhir.linkage import Field, Person, compared, weights

FIELDS: tuple[Field, ...] = ("identifier", "name", "birthDate", "gender", "phone")
BLOCKS: tuple[Field, ...] = ("identifier", "name", "birthDate", "phone")
# Records that share a value with more tell nobody apart; pairs that are looked at; chance pairs
WIDE, PAIRS, CHANCE = 50, 500_000, 20_000
# Pairs of one person, as expected, below which a field keeps the default; how many such pairs the default counts as
LEAST, PRIOR = 50.0, 20.0
ROUNDS, STILL = 500, 1e-9
SLICE = 200
Said = tuple[bool | None, ...]


class Fitted(msgspec.Struct, frozen=True):
    """`share`: of the pairs, how many are one person; `m` by place in a pattern; `rounds` it took."""

    share: float
    m: Sequence[float]
    rounds: int


class Estimate(msgspec.Struct, frozen=True):
    """`m` of the fields of which enough was seen; `pairs`: expected pairs of one person in which each said something."""

    m: Mapping[Field, float]
    pairs: Mapping[Field, float]
    people: int
    compared: int


def fitted(patterns: Mapping[Said, int], u: Sequence[float]) -> Fitted:
    """The likeliest share and m of patterns of agreement (None: nothing said), with u by place as given."""
    share, m = 0.5, [0.9] * len(u)
    total = sum(patterns.values())
    rounds, still = 0, False
    while rounds < ROUNDS and not still:
        rounds += 1
        likely = {said: one_person(said, Fitted(share, m, 0), u) for said in patterns}
        fresh = [_agreeing(place, patterns, likely, m[place]) for place in range(len(u))]
        moved = sum(likely[said] * count for said, count in patterns.items()) / total
        still = max(abs(moved - share), *(abs(a - b) for a, b in zip(fresh, m, strict=True))) < STILL
        share, m = min(max(moved, 1e-6), 1 - 1e-6), fresh
    return Fitted(share, m, rounds)


def one_person(said: Said, of: Fitted, u: Sequence[float]) -> float:
    """That a pair with this pattern is one person."""
    same, other = ([_one(p, agrees) for p, agrees in zip(side, said, strict=True)] for side in (of.m, u))
    a, b = of.share * prod(same), (1 - of.share) * prod(other)
    return a / (a + b)


def _one(p: float, agrees: bool | None) -> float:
    return 1.0 if agrees is None else p if agrees else 1 - p


def _agreeing(place: int, patterns: Mapping[Said, int], likely: Mapping[Said, float], before: float) -> float:
    told = [(said[place], likely[said] * count) for said, count in patterns.items() if said[place] is not None]
    whole = sum(weight for _, weight in told)
    return min(max(sum(w for agrees, w in told if agrees) / whole, 0.01), 0.999) if whole > 0 else before


def estimated(people: Sequence[Person]) -> Generator[None, None, Estimate]:
    """What the pairs of these people tell, in slices."""
    u = yield from _by_chance(people)
    agreed, whole, seen = Counter[Field](), Counter[Field](), 0
    for block in BLOCKS:
        fields = [field for field in FIELDS if field != block]
        patterns: Counter[Said] = Counter()
        for number, (one, other) in enumerate(_pairs(people, block)):
            said = _said(one, other)
            patterns[tuple(said.get(field) for field in fields)] += 1
            if number % SLICE == 0:
                yield
        seen += patterns.total()
        if patterns:
            mine = [u[field] for field in fields]
            _count(fields, patterns, (fitted(patterns, mine), mine), (agreed, whole))
            yield
    default = weights().m
    enough = [field for field in FIELDS if whole[field] >= LEAST]
    m = {field: round((agreed[field] + default * PRIOR) / (whole[field] + PRIOR), 4) for field in enough}
    return Estimate(m, {field: round(whole[field], 1) for field in FIELDS}, len(people), seen)


def _count(
    fields: Sequence[Field],
    patterns: Mapping[Said, int],
    model: tuple[Fitted, Sequence[float]],
    counts: tuple[Counter[Field], Counter[Field]],
) -> None:
    """Add what one block's pairs of one person say, each as much as it is likely one."""
    agreed, whole = counts
    for said, count in patterns.items():
        weight = one_person(said, *model) * count
        for field, agrees in zip(fields, said, strict=True):
            if agrees is not None:
                whole[field] += weight  # type: ignore[assignment]  # expected counts are no whole numbers
                agreed[field] += weight * agrees  # type: ignore[assignment]  # as above


def _by_chance(people: Sequence[Person]) -> Generator[None, None, Mapping[Field, float]]:
    """How often two chance persons agree; never less than the floors for so few."""
    agreed, whole = Counter[Field](), Counter[Field]()
    size = len(people)
    step = 1
    for number in range(min(CHANCE, size * (size - 1) // 2)):
        place = number % size
        step += place == 0
        said = _said(people[place], people[(place + step - 1) % size])
        for field, agrees in said.items():
            whole[field] += 1
            agreed[field] += agrees
        if number % SLICE == 0:
            yield
    floor = weights().floor
    return {f: min(max(agreed[f] / whole[f] if whole[f] else 0.0, floor[f]), 0.99) for f in FIELDS}


def _said(one: Person, other: Person) -> Mapping[Field, bool]:
    """As `compared`; another telephone says nothing there, but here it tells who is not one person."""
    said = compared(one, other)
    return {**said, "phone": not one.phone.isdisjoint(other.phone)} if one.phone and other.phone else said


def _pairs(people: Sequence[Person], block: Field) -> Iterable[tuple[Person, Person]]:
    """Pairs that share a value of a field, in order, no more than PAIRS."""
    groups: dict[Hashable, list[Person]] = defaultdict(list)
    for one in people:
        for value in _values(one, block):
            groups[value].append(one)
    left = PAIRS
    for group in groups.values():
        for pair in combinations(group, 2) if 1 < len(group) <= WIDE else ():
            if not left:
                return
            left -= 1
            yield pair


def _values(one: Person, block: Field) -> Iterable[Hashable]:
    if block == "birthDate":
        return [one.birth] if len(one.birth) == 10 else ()
    if block == "identifier":
        return sorted(one.identifier)
    return sorted(one.name if block == "name" else one.phone)
