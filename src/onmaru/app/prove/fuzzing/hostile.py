"""Values and members that a server must survive. Texts bear a mark, by which an answer that repeats one is found."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

MARK = "Qx7wKz"
# Where a name belongs, this does: a refusal may say which name it does not know, for that is where, not what
NAME = "nobodysname"
FIGURE = 7193505821
_DEEP = 90
# What each raw token is to stand for in JSON, where no encoder would write it
RAW: Sequence[str] = (
    "1e400",
    "-1e400",
    "-0",
    "-0.0",
    "01",
    "NaN",
    "Infinity",
    "123456789012345678901234567890",
    "1.0E+9999999999",
    "tru",
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    f'"{MARK}\\u0007"',
    f'{{"{NAME}":1,"{NAME}":2}}',
    "[" * _DEEP + "]" * _DEEP,
    '{"a":' * _DEEP + "1" + "}" * _DEEP,
    "[1,]",
    '"' + MARK,
    "0.00000000000000000000000000000000000001",
    f"{FIGURE}.{'5' * 40}",
    "9" * 5000,
    "[[]]",
    "[null]",
    "[null,null]",
    '[{"id":"a"}]',
    '{"extension":[]}',
    "null",
    "{}",
    "[]",
    '""',
    '" "',
)
TEXTS: Sequence[str] = (
    MARK,
    f"{MARK}" * 300,
    f" {MARK} ",
    f"{MARK}\x00",
    f"\x1b[31m{MARK}",
    f"\u202e{MARK}",
    f"\ufeff{MARK}",
    f"{MARK}\r\nx-injected: 1",
    f"홍길동{MARK}",
    "\u1112\u1169\u11bc" + MARK,
    f"İ{MARK}ß",
    f"😀{MARK}👨‍👩‍👧",
    "e\u0301" * 50 + MARK,
    "\u0345" * 200 + MARK,
    f"'; DROP TABLE body; --{MARK}",
    f'" OR 1=1 --{MARK}',
    f"%' {MARK}",
    f"{MARK}_%",
    f"../../../etc/passwd{MARK}",
    f"..\\{MARK}",
    f"<script>alert('{MARK}')</script>",
    f"<div>{MARK}",
    f"&{MARK};",
    f"${{jndi:ldap://127.0.0.1/{MARK}}}",
    f"{{{{{MARK}}}}}",
    f"{MARK}|{MARK}",
    f"|{MARK}",
    f"{MARK}|",
    "|",
    "||",
    f"{MARK}|a|b",
    "a|b|c|d|e",
    f"{MARK}$",
    "$",
    f"{MARK}\\",
    "\\",
    "\\,",
    "\\|\\$",
    ",",
    ",,",
    f",{MARK}",
    f"{MARK},",
    ",".join([MARK] * 120),
    f"Patient/{MARK}",
    f"Patient/{MARK}/_history/1",
    f"Nothing/{MARK}",
    f"http://{MARK}.example/Patient/1",
    "http://[",
    "http://[::1]:99999/x",
    f"urn:uuid:{MARK}",
    f"#{MARK}",
    f"urn:{MARK}|1",
    f"Patient/p0|{MARK}",
    f"file:///etc/passwd?{MARK}",
    f"http://127.0.0.1:1/{MARK}",
    "*",
    "%",
    "?",
    "#",
    "/",
    "//",
    ".",
    "..",
    "~",
    "-",
    "--",
    "0",
    "-1",
    "1e999999999",
    "-1e-999999999",
    "1e9",
    "NaN",
    "inf",
    "0x7f",
    "١٢٣",
    "1_000",
    "+1",
    "1.",
    ".5",
    "9" * 400,
    f"{FIGURE}",
    f"{FIGURE}.5",
    f"gt{FIGURE}",
    "gt",
    "ap",
    "ap1e308",
    "ne0",
    "5.40e-3|http://unitsofmeasure.org|mg",
    "5|[",
    f"1|{MARK}|{MARK}",
    "1||",
    "lt|",
    "2026-02-30",
    "2026-13-01",
    "0000",
    "0000-00-00",
    "9999-12-31T23:59:60Z",
    "10000-01-01",
    "-0001-01-01",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01T00:00",
    "2026-01-01T00:00:00.123456789012345678Z",
    "ge2026",
    "sa0001",
    "eb9999",
    "ap9999-12-31",
    "ap0001",
    "2026-W01",
    "20260101",
    f"ge{MARK}",
    "2026-01-01T00:00:00 09:00",
    "true",
    "false",
    "TRUE",
    "null",
    "undefined",
    "a" * 64,
    "a" * 65,
    "a" * 5000,
    "(" * 400,
    "[a-",
    "(a+)+$",
    "\\p{L}",
    "(?i)x",
    "text|",
    "http://hl7.org/fhir/ValueSet/observation-status",
    "http://hl7.org/fhir/ValueSet/all-languages",
    "http://snomed.info/sct?fhir_vs=ecl/<" + MARK,
    "http://loinc.org|8867-4",
    "Observation:subject",
    "*:*",
    "Observation:*",
    "Patient:general-practitioner:Practitioner",
    "-date",
    "-date,status,_id,-_lastUpdated",
    f"-{MARK}",
    "name.family,name",
    "1,2,3",
    "Observation?code=1",
    f"Observation?{NAME}=1",
    "Patient.name",
    "Patient.name.given[0]",
    "%resource.repeat(children())",
    "repeat($this)",
    f"'{MARK}' +",
    "1 + ",
    "iif(",
    "name.where(use='x').select(given.join(','))",
    "(1 | 2 | 3).aggregate($this + $total, 0)",
    "'a'.replaceMatches('(a+)+$', 'b')",
    "today() + 999999999 years",
    "1 'x' + 2 'y'",
    "resolve()",
    "descendants().descendants().count()",
    "'" + "x" * 3000 + "'",
    "-" * 500 + "1",
    "not(" * 100,
)
MEMBERS: Sequence[str] = (
    "resourceType",
    "id",
    "meta",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "_id",
    "_birthDate",
    "__proto__",
    "value",
    "valueQuantity",
    "valueString",
    "",
    " ",
    "a" * 300,
    "fhir_comments",
    "implicitRules",
    "link",
    "entry",
    "parameter",
    "status",
    "deceasedBoolean",
    "x\x00",
    "한글",
)


def text(chance: random.Random) -> str:
    """One of the texts, or two of them together."""
    found = chance.choice(TEXTS)
    return found if chance.random() < 0.9 else found + chance.choice(TEXTS)


def encoded(chance: random.Random, value: str) -> str:
    """A query's value as a client sends it: percent-encoded, now and then twice, in part, or wrongly."""
    style = chance.random()
    raw = value.encode("utf-8", "surrogatepass")
    if style < 0.8:
        return "".join(
            chr(one) if chr(one).isalnum() or one in b"-._~$,|:/" else f"%{one:02X}" for one in raw if one < 256
        )
    if style < 0.86:
        return "".join(f"%{one:02x}" for one in raw)
    if style < 0.9:
        return "".join(f"%25{one:02X}" for one in raw)
    broken = ("%", "%4", "%zz", "%ff%fe", "%c0%80", "%ed%a0%80", "%00", "+", "%u0041", "%f4%90%80%80", ";", "%0d%0a")
    plain = "".join(chr(one) for one in raw if 0x21 <= one < 0x7F and one not in b"#&")
    return plain + chance.choice(broken)


def mutated(chance: random.Random, tree: Any) -> bytes:
    """JSON of a resource in which some things are not as they should be."""
    raws: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        _one(chance, tree, raws)
    made = json.dumps(tree, ensure_ascii=chance.random() < 0.5)
    for number, raw in enumerate(raws):
        made = made.replace(f'"@raw{number}@"', raw)
    return made.encode("utf-8", "replace")


def _one(chance: random.Random, tree: Any, raws: list[str]) -> None:
    places = list(_places(tree))
    if not places:
        return
    holder, key = chance.choice(places)
    kind = chance.randrange(7)
    if kind < 2:
        raws.append(chance.choice(RAW))
        holder[key] = f"@raw{len(raws) - 1}@"
    elif kind == 2:
        holder[key] = text(chance)
    elif kind == 3:
        holder[key] = [holder[key]] * chance.choice((1, 2, 50))
    elif kind == 4:
        holder[key] = chance.choice((None, True, FIGURE, -1, 0.5, {}, [], {"reference": text(chance)}, {NAME: MARK}))
    elif kind == 5 and isinstance(holder, dict):
        holder[chance.choice(MEMBERS)] = holder[key] if chance.random() < 0.5 else text(chance)
    else:
        del holder[key]


def _places(tree: Any) -> Any:
    """(holder, key) of everything within."""
    pairs: Any = ()
    if isinstance(tree, dict):
        pairs = list(tree.items())
    elif isinstance(tree, list):
        pairs = list(enumerate(tree))
    for key, value in pairs:
        yield tree, key
        yield from _places(value)
