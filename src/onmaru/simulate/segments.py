"""HL7 v2.5.1 segments (chapters 2, 3, 4, 7, 9, 10) as text: fields that the official v2-to-FHIR tables map."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache, lru_cache

from onmaru.simulate.codes import Analyte, Diagnosis, Drug, Panel
from onmaru.simulate.people import Allergy, Person
from onmaru.simulate.places import DEPARTMENTS, Bed
from onmaru.simulate.staff import Member
from onmaru.simulate.systems import DIAGNOSIS, LOCAL, MRN, ORDER, RESIDENT, STAFF, VISIT

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})

_NO_MARKS = str.maketrans("", "", "-T:")


def escaped(text: str) -> str:
    """Text as it may stand in a field (HL7 2.5.1, 2.7): delimiters escaped, a line break as `\\.br\\`."""
    return text.translate(_ESCAPES).replace("\n", "\\.br\\")


@lru_cache(maxsize=256)
def stamp(at: datetime.datetime) -> str:
    """A DTM to the second with its offset."""
    return at.isoformat()[:19].translate(_NO_MARKS) + "+0900"


def fields(name: str, values: Mapping[int, str]) -> str:
    """A segment from its numbered fields; the others are empty."""
    line = [""] * (max(values) + 1)
    line[0] = name
    for n, value in values.items():
        line[n] = value
    return "|".join(line)


def coded(code: str, text: str, system: str, second: tuple[str, str, str] = ("", "", "")) -> str:
    """CE: identifier, text, system and, if given, the same for the alternate."""
    first = f"{code}^{escaped(text)}^{system}"
    return f"{first}^{second[0]}^{escaped(second[1])}^{second[2]}" if second[0] else first


def member(one: Member) -> str:
    """XCN of a member of staff, by staff number."""
    return f"{one.number}^{one.family}^{one.given}^^^^^^&{STAFF}&ISO^L^^^EI"


def bed(place: Bed, facility: str) -> str:
    """PL: point of care, room, bed, facility, and the description that people read."""
    return f"{place.ward}^{place.room}^{place.number}^{facility}^^^^^{escaped(place.ko)}"


def mrn(number: str) -> str:
    return f"{number}^^^&{MRN}&ISO^MR"


def pid(person: Person, number: str, died: datetime.datetime | None = None) -> str:
    """PID. The MRN comes first, then the (fake) resident number; the Hangul name first, then the romanised one."""
    where = person.address
    return fields(
        "PID",
        {
            1: "1",
            3: f"{mrn(number)}~{person.resident}^^^&{RESIDENT}&ISO^NI",
            5: f"{person.family}^{person.given}^^^^^L~{person.family_latin}^{person.given_latin}^^^^^D",
            7: f"{person.born:%Y%m%d}",
            8: person.sex,
            11: f"{where.road} {where.building}^{where.detail} ({where.dong})^{where.district}^{where.province}^00000^KOR^H",
            13: f"{person.phone}^PRN^CP",
            29: stamp(died) if died else "",
            30: "Y" if died else "N",
        },
    )


def allergy(n: int, one: Allergy) -> str:
    """AL1 with kind of table 0127 and the reaction in words."""
    kind = "Drug allergy" if one.kind == "DA" else "Food allergy"
    return f"AL1|{n}|{coded(one.kind, kind, 'HL70127')}|{coded(one.code, one.ko, LOCAL)}||{escaped(one.reaction)}"


def diagnosis(n: int, one: Diagnosis, id: str, by: Member, at: datetime.datetime, kcd: str) -> str:
    """DG1 in KCD, with the ICD-10 code that shares its characters as alternate; DG1-20 names this diagnosis."""
    values = {
        1: str(n),
        3: coded(one.code, one.ko, kcd, (one.code, one.en, "I10")),
        4: escaped(one.ko),
        5: stamp(at),
        6: "W",
        15: str(n),
        16: member(by),
        20: f"{id}^^{DIAGNOSIS}^ISO",
        21: "A",
    }
    return fields("DG1", values)


def order_number(id: str) -> str:
    """EI of a placer or filler order number."""
    return f"{id}^^{ORDER}^ISO"


def orc(control: str, placer: str, filler: str, by: Member, at: datetime.datetime) -> str:
    """ORC with control code of table 0119."""
    values = {1: control, 2: order_number(placer), 9: stamp(at), 12: member(by)}
    if filler:
        values[3] = order_number(filler)
    return fields("ORC", values)


def obr(what: str, numbers: tuple[str, str], at: datetime.datetime, by: Member, more: Mapping[int, str]) -> str:
    """OBR for an order or a report: `what` is OBR-4, `numbers` placer and filler, `at` when observed or wanted."""
    values = {1: "1", 4: what, 7: stamp(at), 16: member(by), **more}
    for field, number in zip((2, 3), numbers, strict=True):
        if number:
            values[field] = order_number(number)
    return fields("OBR", values)


def panel(one: Panel) -> str:
    return coded(one.code, one.ko, LOCAL)


def flag(one: Analyte, value: float) -> str:
    """HL7 table 0078: L, H or N against the simulated limits, "" where there are none."""
    if one.low is None and one.high is None:
        return ""
    if one.low is not None and value < one.low:
        return "L"
    return "H" if one.high is not None and value > one.high else "N"


def limits(one: Analyte) -> str:
    """OBX-7: `low-high`, `<high`, `>low` or nothing."""
    if one.low is not None and one.high is not None:
        return f"{one.low:g}-{one.high:g}"
    if one.high is not None:
        return f"<={one.high:g}"
    return f">={one.low:g}" if one.low is not None else ""


@cache
def _fixed(one: Analyte) -> tuple[str, str]:
    """What is the same in every OBX of a test: its code, and its unit with its limits."""
    what = coded(one.loinc, one.en, "LN", (one.code, one.ko, LOCAL))
    return what, f"{one.unit}^{one.unit}^UCUM|{limits(one)}"


def obx(n: int, one: Analyte, value: str, status: str, at: datetime.datetime) -> str:
    """OBX with a number: LOINC first, local code as alternate, UCUM unit, limits, flag and status (table 0085)."""
    what, unit_and_limits = _fixed(one)
    return f"OBX|{n}|NM|{what}||{value}|{unit_and_limits}|{flag(one, float(value))}|||{status}|||{stamp(at)}"


def obx_text(n: int, code: tuple[str, str], text: str, at: datetime.datetime) -> str:
    """OBX with formatted text, for reports and notes."""
    return f"OBX|{n}|FT|{coded(*code, LOCAL)}||{escaped(text)}||||||F|||{stamp(at)}"


def specimen(id: str, kind: str, at: datetime.datetime) -> str:
    """SPM with type of table 0487."""
    return fields("SPM", {1: "1", 2: f"{id}&&{ORDER}&ISO", 4: f"{kind}^^HL70487", 17: stamp(at)})


def drug(one: Drug) -> str:
    return coded(one.edi, one.ko, LOCAL, (one.atc, one.en, "WC"))


def route(one: Drug) -> str:
    """RXR with route of table 0162."""
    return f"RXR|{one.route}^^HL70162"


def timing(one: Drug, start: datetime.datetime, end: datetime.datetime) -> str:
    """TQ1: dose each time, repeat pattern `QnH` (table 0335), start and end."""
    return f"TQ1|1|{one.amount}^{one.unit}&{one.unit}&UCUM|Q{one.hours}H||||{stamp(start)}|{stamp(end)}|R^^HL70485"


def appointment(number: str, department: str, start: datetime.datetime, minutes: int) -> str:
    """SCH of a booked visit; SCH-11 carries start and end."""
    end = start + datetime.timedelta(minutes=minutes)
    values = {
        1: f"{number}^^{VISIT}^ISO",
        2: f"{number}F^^{VISIT}^ISO",
        6: "ROUTINE^Routine appointment^HL70276",
        7: f"FOLLOWUP^{DEPARTMENTS[department][0]} 추적 진료^HL70276",
        8: "Normal^Routine schedule request type^HL70277",
        9: str(minutes),
        10: "min^minute^UCUM",
        11: f"^^^{stamp(start)}^{stamp(end)}",
        25: "Booked^All the indicated resources have been booked^HL70278",
    }
    return fields("SCH", values)
