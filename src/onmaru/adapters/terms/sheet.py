"""Korea's code lists as tables: KCD as Statistics Korea and HIRA give it out, and HIRA's EDI lists.

Headers differ from edition to edition, so columns are known by the names that are in use; every other one is a property.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from onmaru.adapters.terms.reading import Form, Row, header, lines, mark, rows
from onmaru.adapters.terms.workbook import cells
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Advance, Delivery, Fact, Link, Refused, Said, Stage, Term

KR = "http://www.hl7korea.or.kr/CodeSystem"
FORM = Form(korean=True)
KOREAN = (
    "한글명",
    "한글명칭",
    "한글상병명",
    "상병명",
    "질병명",
    "분류명",
    "코드명",
    "명칭",
    "품명",
    "제품명",
    "약품명",
    "수가명",
    "국문명",
    "name",
)
ENGLISH = ("영문명", "영문명칭", "영문상병명", "영문", "영문제품명", "english")
ABOVE = ("상위코드", "상위분류코드", "질병분류상위코드", "parent")
IN_USE = ("사용여부", "사용구분")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-*†+]{0,19}")
_RANGE = re.compile(r"([A-Z][0-9]{2})-([A-Z][0-9]{2})")
RANGES = 2_000
# Lines of a workbook in which the headings may stand: titles and notes come before them
HEADINGS = 20
_NO = frozenset({"N", "0", "미사용", "사용안함", "삭제"})


class Kind(msgspec.Struct, frozen=True):
    """One list: where it is known by default, and by what names its column of codes goes."""

    url: str
    name: str
    title: str
    code: tuple[str, ...]
    classified: bool = False


# KCD-8 has a system of KR Core; KCD-9 has none yet, so it is named on the command line (docs: terminology)
KINDS = {
    "kcd": Kind(
        f"{KR}/kostat-kcd-8",
        "KCD",
        "한국표준질병·사인분류",
        ("상병기호", "상병코드", "질병분류코드", "kcd코드", "분류코드", "코드", "code"),
        classified=True,
    ),
    "edi-procedure": Kind(
        f"{KR}/hira-edi-procedure",
        "EDI_Procedure",
        "건강보험 행위 수가코드",
        ("수가코드", "행위코드", "edi코드", "코드", "code"),
    ),
    "edi-medication": Kind(
        f"{KR}/hira-edi-medication",
        "EDI_Medication",
        "건강보험 약제코드",
        ("제품코드", "약품코드", "약가코드", "청구코드", "edi코드", "코드", "code"),
    ),
    "edi-material": Kind(
        f"{KR}/hira-edi-material",
        "EDI_Material",
        "건강보험 치료재료코드",
        ("치료재료코드", "재료코드", "edi코드", "코드", "code"),
    ),
}


class _Columns(msgspec.Struct, frozen=True):
    code: str
    korean: str
    english: str
    above: str
    used: str


def delivery(kind: str, path: Path, url: str = "", version: str = "") -> Delivery:
    """A list in a file of text. Raises Invalid 404, 422 where it has no column of codes or of names."""
    if not path.is_file():
        raise invalid("not-found", "a file is wanted", path.name, 404)
    told = KINDS[kind]
    names = _names(path, told)
    columns = _columns(names, told)
    if not columns.code or not columns.korean:
        wanted = " or ".join((*told.code[:3], "…")) if not columns.code else " or ".join((*KOREAN[:3], "…"))
        raise invalid("structure", f"no line of headings names a column {wanted}", path.name, 422)
    others = [one for one in names if one and one not in msgspec.structs.astuple(columns)]
    declared = tuple(Declared(one, "string") for one in others)
    about = About(url or told.url, version, told.name, told.title, language="ko", declared=declared)
    stages = [Stage(path, path.stat().st_size, _terms(path, columns, names, others))]
    if told.classified or columns.above:
        stages.append(Stage(path, path.stat().st_size, _tree(path, columns, names)))
    return Delivery(about, mark(kind, about.url, version, files=[path]), tuple(stages))


def _columns(names: Sequence[str], told: Kind) -> _Columns:
    plain = {"".join(one.split()): one for one in names}

    def named(known: Iterable[str]) -> str:
        return next((plain[one] for one in known if one in plain), "")

    return _Columns(named(told.code), named(KOREAN), named(ENGLISH), named(ABOVE), named(IN_USE))


Facts = Callable[[Advance], Iterator[tuple[int, Fact]]]


def _names(path: Path, told: Kind) -> list[str]:
    """The headings: the first line of a text, in a workbook the first of some lines that names the column of codes."""
    if not _is_workbook(path):
        first = next(lines(path, lambda size: None, korean=True), "") or ""
        return header(first, "\t" if "\t" in first else ",")
    for _, row in islice(cells(path), HEADINGS):
        names = [one.strip().lower() for one in row]
        if _columns(names, told).code:
            return names
    return []


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _read(path: Path, names: Sequence[str], advance: Advance) -> Iterator[tuple[int, Row | Refused]]:
    """Every row after the headings."""
    if not _is_workbook(path):
        yield from rows(path, FORM, (), advance)
        return
    begun = False
    for number, row in cells(path):
        told = [*(one.strip() for one in row), *[""] * (len(names) - len(row))]
        if begun and any(told):
            yield number, dict(zip(names, told, strict=False))
        begun = begun or [one.lower() for one in told] == list(names)
    advance(path.stat().st_size)


def _terms(path: Path, columns: _Columns, names: Sequence[str], others: Sequence[str]) -> Facts:
    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        for number, row in _read(path, names, advance):
            for fact in [row] if isinstance(row, Refused) else _term(row, columns, others):
                yield number, Refused(path.name, number, fact) if isinstance(fact, str) else fact

    return facts


def _term(row: Row, columns: _Columns, others: Sequence[str]) -> Iterator[Fact | str]:
    code, name = row[columns.code].strip(), row[columns.korean].strip()
    if not _CODE.fullmatch(code):
        yield "the code is empty or not of a code's form"
        return
    if not name:
        yield "the code has no name"
        return
    english = row[columns.english].strip() if columns.english else ""
    texts = (Designation(english, "en"),) if english else ()
    said = tuple(Property(one, "valueString", row[one].strip()) for one in others if row[one].strip())
    gone = bool(columns.used) and row[columns.used].strip().upper() in _NO
    # A list with a row for each price gives a code again and again: the first names it, all say what they say
    yield Term(code, name, "", texts, said, bool(_RANGE.fullmatch(code)), gone, loose=True)
    yield Said(code, texts, said)


def _tree(path: Path, columns: _Columns, names: Sequence[str]) -> Facts:
    """Links by the column that names what stands above, else by the codes themselves: A00.0 below A00 below A00-A09."""

    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        known = _Known(set(), {}) if columns.above else _known(path, columns, names)
        for number, row in _read(path, names, advance):
            if isinstance(row, Refused):
                continue
            code = row[columns.code].strip()
            above = row[columns.above].strip() if columns.above else _above(code, known)
            if above:
                yield number, Link(code, above, loose=not columns.above)

    return facts


class _Known(msgspec.Struct):
    """Every code of a file, some 20,000, and the ends of its ranges, some 300."""

    codes: set[str]
    ranges: dict[str, tuple[str, str]]


def _known(path: Path, columns: _Columns, names: Sequence[str]) -> _Known:
    found = _Known(set(), {})
    for _, row in _read(path, names, lambda size: None):
        if not isinstance(row, Refused):
            code = row[columns.code].strip()
            found.codes.add(code)
            ends = _RANGE.fullmatch(code)
            if ends and len(found.ranges) < RANGES:
                found.ranges[code] = (ends[1], ends[2])
    return found


def _above(code: str, known: _Known) -> str:
    """The next shorter code that the file has, else the narrowest range around it."""
    ends = known.ranges.get(code)
    shorter = "" if ends else code[:-1].rstrip(".")
    while len(shorter) >= 3:
        if shorter in known.codes:
            return shorter
        shorter = shorter[:-1].rstrip(".")
    low, high = ends or (code[:3], code[:3])
    around = [
        (one, there) for one, there in known.ranges.items() if one != code and there[0] <= low and high <= there[1]
    ]
    return min(around, key=lambda pair: (_width(pair[1]), pair[0]))[0] if around else ""


def _width(ends: tuple[str, str]) -> int:
    low, high = ((ord(one[0]) * 100 + int(one[1:])) for one in ends)
    return high - low
