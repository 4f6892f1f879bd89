"""Loaders: each owner's form is read, broken lines are refused by number, and a load that broke off goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests import term_files

from onmaru.adapters.terms import athena, claml, loinc, rxnorm, sheet, snomed
from onmaru.adapters.terms.reading import Form, rows
from onmaru.engines.terms.store import TermStore
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.terminology.system import System, lies_below
from onmaru.fhir.terminology.text import words
from onmaru.kernel.deliveries import Delivery, Link, Outcome, Refused, Stage, Term

KEY = b"k" * 32


def nothing(size: int) -> None:
    """Nobody watches."""


def loaded(folder: Path, delivery: Delivery) -> tuple[Outcome, System]:
    store = TermStore(folder / "terms", KEY)
    outcome = store.load(delivery, nothing)
    found = next(one for one in store.systems() if one.about == delivery.about)
    return outcome, found


def below(system: System, code: str) -> list[str]:
    number = system.number(code)
    assert number is not None
    return [one for _, one in system.codes(system.below(number))]


def text(system: System, code: str) -> str:
    number = system.number(code)
    assert number is not None
    return system.concepts([number])[0].display


def matching(system: System, wanted: str) -> list[str]:
    return [code for _, code in system.codes(system.matching(words(wanted)))]


def refused(outcome: Outcome) -> list[tuple[str, int]]:
    return [(one.file, one.line) for one in outcome.refused]


def test_loinc_gives_axes_parts_the_hierarchy_and_korean_names(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, loinc.delivery(term_files.loinc(tmp_path)))
    assert (outcome.concepts, system.about.version, refused(outcome)) == (4, "9.99", [("Loinc.csv", 4)])
    assert text(system, "100-8") == 'Made glucose, ["serum"]' and below(system, "LP1-8") == ["100-8", "101-6", "LP2-6"]
    assert [code for _, code in system.codes(system.valued("COMPONENT", "LP9-1"))] == ["100-8"]
    assert [code for _, code in system.codes(system.valued("SYSTEM", "Urine"))] == ["101-6"]
    assert matching(system, "포도") == ["100-8"] and matching(system, "ㅍㄷㄷ") == ["100-8"]
    assert [code for _, code in system.codes(system.inactive())] == ["101-6"]


def test_snomed_takes_the_preferred_term_is_a_and_other_relationships(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, snomed.delivery(term_files.snomed(tmp_path)))
    assert system.about.version == "http://snomed.info/sct/900000000000207008/version/20260101"
    assert text(system, "900001001") == 'Made "quoted" disorder'
    assert text(system, "900002009") == "Made disorder of lung (disorder)"
    assert below(system, "138875005") == ["900001001", "900002009"]
    assert [code for _, code in system.codes(system.valued("363698007", "900001001"))] == ["900002009"]
    assert matching(system, "만든") == ["900001001"]
    concepts, relations = "sct2_Concept_Snapshot_INT_20260101.txt", "sct2_Relationship_Snapshot_INT_20260101.txt"
    assert refused(outcome) == [(concepts, 6), (concepts, 7), (relations, 6)]


def test_another_edition_of_snomed_has_to_be_named(tmp_path: Path) -> None:
    term_files.snomed(tmp_path)
    for path in tmp_path.rglob("*_INT_*"):
        path.rename(path.with_name(path.name.replace("_INT_", "_KR1000000_")))
    with pytest.raises(Invalid, match="--version"):
        snomed.delivery(tmp_path)
    assert snomed.delivery(tmp_path, version="x").about.version == "x"


def test_rxnorm_takes_its_own_names_synonyms_and_relations(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, rxnorm.delivery(term_files.rxnorm(tmp_path)))
    assert (outcome.concepts, system.about.version) == (2, "11022026")
    assert text(system, "1") == "madeine" and matching(system, "synonym") == ["1"]
    assert [code for _, code in system.codes(system.valued("has_ingredient", "1"))] == ["2"]
    assert below(system, "1") == ["2"] and refused(outcome)[0] == ("RXNCONSO.RRF", 5)


def test_claml_gives_the_classes_with_their_kinds(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, claml.delivery(term_files.claml(tmp_path)))
    assert (outcome.concepts, system.about.version) == (3, "2026")
    assert text(system, "E11") == "Made category" and below(system, "IV") == ["E10-E14", "E11"]
    assert [code for _, code in system.codes(system.abstract())] == ["IV", "E10-E14"]
    assert outcome.refused[0].line == 11
    evil = tmp_path / "evil.xml"
    evil.write_text('<!DOCTYPE ClaML [<!ENTITY a "aaaa">]><ClaML><Title name="&a;"/></ClaML>')
    with pytest.raises(Invalid, match="entities"):
        claml.delivery(evil)


def test_kcd_in_cp949_stands_by_its_codes_and_edi_by_its_columns(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, sheet.delivery("kcd", term_files.kcd(tmp_path), version="8"))
    assert (outcome.concepts, refused(outcome)) == (4, [("kcd.csv", 6)])
    assert below(system, "E10-E14") == ["E11", "E11.2", "E11.20"] and text(system, "E11.20") == "똠방"
    assert lies_below(system, "E11.20", "E11") is True and lies_below(system, "E11", "E11.2") is False
    outcome, system = loaded(tmp_path, sheet.delivery("edi-medication", term_files.edi(tmp_path)))
    assert (outcome.concepts, refused(outcome)) == (1, [("edi.csv", 4)])
    assert sorted(value for value, _ in system.values("상한금액")) == ["51", "53"]
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(Invalid, match="상병기호"):
        sheet.delivery("kcd", other)


def test_a_workbook_is_read_below_its_headings(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, sheet.delivery("edi-procedure", term_files.workbook(tmp_path)))
    assert [code for _, code in system.codes()] == ["E6541", "640000010"] and text(system, "E6541") == "만든 처치"
    assert [value for value, _ in system.values("단가")] == ["120.50"] and refused(outcome) == [("edi.xlsx", 6)]


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "entities"),
        ("<worksheet><row>", "damaged"),
        ("<worksheet><sheetData/></worksheet>", "headings"),
        (
            '<worksheet><row r="99999999999"><c r="ZZZ1" t="s"><v>7</v></c><c t="s"><v>-1</v></c></row></worksheet>',
            "headings",
        ),
    ],
)
def test_a_hostile_workbook_is_refused(tmp_path: Path, part: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        sheet.delivery("edi-procedure", term_files.workbook(tmp_path, part))
    bomb = tmp_path / "bomb.xlsx"
    bomb.write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(Invalid, match="workbook"):
        sheet.delivery("kcd", bomb)


def test_athena_gives_one_vocabulary_with_its_ancestors(tmp_path: Path) -> None:
    outcome, system = loaded(tmp_path, athena.delivery(term_files.athena(tmp_path), "ATC"))
    assert (outcome.concepts, outcome.refusals, below(system, "A")) == (3, 0, ["A10"])
    assert matching(system, "만든 약") == ["A10"] and len(system.valued("concept-id", "2")) == 1
    (tmp_path / "CONCEPT_RELATIONSHIP.csv").write_text(
        "concept_id_1\tconcept_id_2\trelationship_id\tinvalid_reason\n4\t1\tIs a\t\n4\t2\tMaps to\t\n"
        + "9" * 30
        + "\t1\tIs a\t\n"
    )
    outcome, system = loaded(tmp_path, athena.delivery(tmp_path, "ATC", version="2"))
    assert below(system, "A") == ["A10", "A11"] and refused(outcome) == [("CONCEPT_RELATIONSHIP.csv", 4)]
    with pytest.raises(Invalid, match="--url"):
        athena.delivery(tmp_path, "None")


def test_the_vocabulary_of_the_shared_data_loads_whole(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    outcome, system = loaded(tmp_path, athena.delivery(shared_data("omop/synthea27nj"), "UCUM"))
    assert outcome.concepts > 1000 and outcome.refusals == 0 and matching(system, "millig per kilogram per h")


class Broken(Exception):
    """The power went."""


def made(count: int, *more: Link) -> Delivery:
    """A system of one line after another, each concept below that of half its number."""

    def facts(advance: Callable[[int], None]) -> object:
        for number in range(1, count + 1):
            advance(1)
            yield number, Term(f"c{number}", f"이름 {number}")
            if number > 1:
                yield number, Link(f"c{number}", f"c{number // 2}")
        for link in more:
            yield count + 1, link

    term = loinc.About("urn:made", "1")
    return Delivery(term, f"{count}", (Stage(Path("made.txt"), count, facts),))  # type: ignore[arg-type]


def test_a_load_that_broke_off_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    store, steps = TermStore(tmp_path / "terms", KEY), 0

    def broken(size: int) -> None:
        nonlocal steps
        steps += size
        if steps > 3_500:
            raise Broken

    with pytest.raises(Broken):
        store.load(made(4_000), broken)
    assert store.systems() == [] and [one.whole for one in store.listed()] == [False]
    outcome = store.load(made(4_000), nothing)
    assert (outcome.resumed, outcome.concepts, outcome.links, outcome.refusals) == (True, 4_000, 3_999, 0)
    [system] = store.systems()
    assert len(system.below(0)) == 3_999 and len(system.above(3_999)) == 11
    assert store.remove("urn:made") == 1 and store.listed() == []


def test_another_delivery_begins_anew_and_a_ring_is_refused(tmp_path: Path) -> None:
    store = TermStore(tmp_path / "terms", KEY)
    with pytest.raises(Invalid, match="ring"):
        store.load(made(3, Link("c1", "c3")), nothing)
    assert store.systems() == []
    chain = [Link(f"c{number}", f"c{number - 1}") for number in range(2, 300)]
    with pytest.raises(Invalid, match="levels"):
        store.load(made(300, *chain), nothing)
    other = made(2)
    outcome = store.load(Delivery(other.about, "other", other.stages), nothing)
    assert (outcome.resumed, outcome.concepts) == (False, 2)


def test_the_file_of_a_system_tells_nothing_without_its_key(tmp_path: Path) -> None:
    store = TermStore(tmp_path / "terms", KEY)
    store.load(made(3), nothing)
    [file] = (tmp_path / "terms").glob("*.db")
    assert "이름".encode() not in file.read_bytes() and b"urn:made" not in file.read_bytes()
    assert TermStore(tmp_path / "terms", b"x" * 32).systems() == []


def test_headings_that_are_not_well_quoted_name_no_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'"a"x,b\n1,2\n')
    with pytest.raises(Invalid, match="lacks the columns a, b"):
        list(rows(path, Form(), ("a", "b"), nothing))


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (b'a,b\n1,"2\n3,4\n', [3]),
        (b"a,b\n1,2,3\n4,5\n", [2]),
        (b"a,b\n\xff\xff,1\n4,5\n", [2]),
        (b"a,b\n1\0,2\n4,5\n", [2]),
        (b"a,b\n" + b"x" * (3 << 20) + b"\n4,5\n", [2]),
        ("a\tb\n4\t5\n".encode("utf-16"), []),
        (b"\xef\xbb\xbfa,b\r\n4,5\r\n\r\n", []),
        (b'a,b\n4,"5\n6"\n', []),
    ],
)
def test_a_line_is_a_row_or_a_refusal(tmp_path: Path, data: bytes, broken: list[int]) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    found = [row for _, row in rows(path, Form(), ("a", "b"), nothing)]
    assert [row.line for row in found if isinstance(row, Refused)] == broken
    assert broken == [3] or [row["a"] for row in found if not isinstance(row, Refused)][-1] == "4"
