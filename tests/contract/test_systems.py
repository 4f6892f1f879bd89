"""A code system answers alike whether it stands in a resource or was loaded into a file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyroaring import BitMap

from onmaru.engines.terms.store import TermStore
from onmaru.fhir.terminology.concepts import Concept, Designation, Property
from onmaru.fhir.terminology.filters import OPS, Filter, NotUnderstood, left
from onmaru.fhir.terminology.listed import CodeSystem, ListedSystem
from onmaru.fhir.terminology.system import About, System
from onmaru.fhir.terminology.text import words
from onmaru.kernel.deliveries import Advance, Delivery, Fact, Link, Stage, Term

NAMES = ("당뇨병", "고혈압", "Diabetes", "type", "만성 신장병", "Ménière")


def made(seed: int) -> CodeSystem:
    """A random system of forty concepts, each below some of those before it."""
    dice = random.Random(seed)
    concepts, above = [], []
    for number in range(40):
        said = tuple(Property(name, "valueCode", dice.choice("xyz")) for name in ("p", "q") if dice.random() < 0.5)
        texts = (Designation(" ".join(dice.choices(NAMES, k=2)), "ko"),) if dice.random() < 0.5 else ()
        display = " ".join(dice.choices(NAMES, k=2))
        concepts.append(Concept(f"c{number}", display, "", texts, said, dice.random() < 0.2, dice.random() < 0.2))
        upper = dice.sample(range(number), k=min(number, dice.randrange(3)))
        above.append(tuple(f"c{one}" for one in sorted(upper)))
    return CodeSystem(About("urn:made", "1"), tuple(concepts), tuple(above))


def loaded(folder: Path, listed: CodeSystem) -> System:
    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        for line, (one, above) in enumerate(zip(listed.concepts, listed.above, strict=True), 1):
            yield line, Term(one.code, one.display, "", one.designations, one.properties, one.abstract, one.inactive)
            for code in above:
                yield line, Link(one.code, code)

    store = TermStore(folder, b"k" * 32)
    store.load(Delivery(listed.about, "mark", (Stage(Path("made"), 1, facts),)), lambda size: None)
    return store.systems()[0]


@pytest.mark.parametrize("seed", range(2))
def test_a_listed_and_a_loaded_system_agree_about_everything(tmp_path: Path, seed: int) -> None:
    source = made(seed)
    one, other = ListedSystem(source), loaded(tmp_path, source)
    assert (
        one.about == other.about
        and list(one.codes()) == list(other.codes())
        and list(one.texts()) == list(other.texts())
    )
    assert [one.number(code) for code in ("c0", "c39", "C0", "")] == [
        other.number(code) for code in ("c0", "c39", "C0", "")
    ]
    for name in ("everything", "inactive", "abstract", "roots", "leaves"):
        assert getattr(one, name)() == getattr(other, name)(), name
    for number in range(40):
        for name in ("above", "below", "parents", "children"):
            assert getattr(one, name)(number) == getattr(other, name)(number), (name, number)
    everything = list(range(40))
    assert list(one.concepts(everything)) == list(other.concepts(everything))
    for number in everything:
        (whole,), brief = one.concepts([number]), other.glance(number)
        assert (brief.code, brief.display, brief.abstract, brief.inactive) == (
            whole.code, whole.display, whole.abstract, whole.inactive
        )  # fmt: skip
    assert list(one.codes(BitMap([3, 1]))) == list(other.codes(BitMap([3, 1])))
    for text in (
        "당뇨",
        "뇨병",
        "ㄷㄴㅂ",
        "ㅅ",
        "병",
        "diab",
        "iabetes",
        "menier",
        "당뇨 type",
        "c1",
        "없는말",
        "만성신장",
    ):
        assert one.matching(words(text)) == other.matching(words(text)), text


def test_every_filter_leaves_the_same(tmp_path: Path) -> None:
    source = made(7)
    systems = (ListedSystem(source), loaded(tmp_path, source))
    for op in OPS:
        for name in ("concept", "code", "p", "nothing", "parent", "display", "inactive"):
            for value in ("c3", "x", "true", "x,y", "c[0-3]+", "고혈압 type"):
                assert len({answer(system, Filter(name, op, value)) for system in systems}) == 1, (op, name, value)


def answer(system: System, wanted: Filter) -> str:
    try:
        return str(left(system, wanted))
    except (NotUnderstood, ValueError) as reason:
        return str(reason)
