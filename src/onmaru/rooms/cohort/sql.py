"""From a Circe expression to statements: OHDSI's own text by `duckcdm`, said in the words that the lake's SQL has.

Pure: it makes text and runs nothing. The tables it leaves are named in KEPT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

CDM = "main"
# Left behind by the statements: events that qualify, those that met a rule, those that met all, and the cohort itself
KEPT = ("qualified_events", "inclusion_events", "included_events", "cohort")
# What OHDSI's SQL calls by names of its own; dates stay dates, whatever is added to them
WORDS = (
    "CREATE MACRO add_days(n, d) AS CAST(d AS DATE) + CAST(n AS INTEGER)",
    "CREATE MACRO days_between(a, b) AS date_diff('day', CAST(a AS DATE), CAST(b AS DATE))",
)
_SAID = (
    (re.compile(r"\bDATEADD\(\s*d(?:ay)?\s*,", re.I), "add_days("),
    (re.compile(r"\bDATEDIFF\(\s*d(?:ay)?\s*,", re.I), "days_between("),
    (re.compile(r"\bDATEFROMPARTS\(", re.I), "make_date("),
    (re.compile(r"\bISNULL\(", re.I), "coalesce("),
    (re.compile(r"\bCOUNT_BIG\(", re.I), "count("),
    (re.compile(r"#(\w+)"), r"\1"),
    # Vocabulary files tell a reason that is not there as an empty text
    (re.compile(r"(\w+\.invalid_reason) is null", re.I), r"coalesce(\1, '') = ''"),
)
_PARTS = re.compile(r"('(?:[^']|'')*')|--[^\n]*\n?")
_INTO = re.compile(r"\bINTO\s+#(\w+)\s+", re.I)
_WHEN = re.compile(r"\{(\d+) != 0\}\?\{(.*?)\n\}", re.S)
_MEASURED = re.compile(r"-- Begin Measurement Criteria.*?-- End Measurement Criteria", re.S)
_TABLE = re.compile(rf"\b{CDM}\.(\w+)", re.I)


class Made(NamedTuple):
    """Statements in order, and the CDM tables that they read."""

    statements: tuple[str, ...]
    tables: tuple[str, ...]


def cohort(expression: Mapping[str, Any]) -> Made:
    """The statements that leave KEPT, for an expression that was checked (grammar.py).

    `cohort` has subject_id, cohort_start_date and cohort_end_date.
    """
    from duckcdm.circe import build_cohort_query

    text = build_cohort_query(dict(expression), cdm_schema=CDM, target_table="cohort", cohort_id=0)
    made = [*WORDS, *(_said(one) for one in _statements(_mended(text)))]
    tables = {name.lower() for statement in made for name in _TABLE.findall(_bare(statement))}
    return Made(tuple(made), tuple(sorted(tables)))


def _mended(text: str) -> str:
    """Two faults of circe-be 1.13: a comment that swallows what comes after it, and a column that Abnormal asks for."""
    text = text.replace("-- End Episode Criteria", "\n")
    return _MEASURED.sub(lambda found: _with_value(found[0]), text)


def _with_value(criteria: str) -> str:
    if "C.value_as_concept_id" not in criteria or "m.value_as_concept_id" in criteria:
        return criteria
    return criteria.replace("m.range_low", "m.range_low,m.value_as_concept_id", 1)


def _statements(text: str) -> Iterator[str]:
    """Each statement but those that clean up: the database ends with the run."""
    inserted = False
    for one in _split(_WHEN.sub(lambda found: found[2] if int(found[1]) else "", text)):
        head = one[:24].upper()
        if head.startswith("DELETE FROM COHORT"):
            continue
        if head.startswith("INSERT INTO COHORT "):
            inserted = True
            select = one[one.upper().index("SELECT") :]
            whole = f"SELECT * EXCLUDE (cohort_definition_id) FROM ({select}) q({_COLUMNS})"  # noqa: S608  of our own making
            yield f"CREATE TABLE cohort AS {whole}"
        elif not head.startswith(("TRUNCATE", "DROP ", "UPDATE STAT")) and not inserted:
            yield one


_COLUMNS = "cohort_definition_id, subject_id, cohort_start_date, cohort_end_date"


def _split(text: str) -> list[str]:
    """At each `;` outside of quotes, without comments."""
    pieces, held = [], ""
    for part in _pieces(text):
        if part.startswith("'"):
            held += part
            continue
        *ended, rest = part.split(";")
        for piece in ended:
            pieces.append((held + piece).strip())
            held = ""
        held += rest
    return [piece for piece in [*pieces, held.strip()] if piece]


def _pieces(text: str) -> Iterator[str]:
    """Quoted strings and what is between them; comments become a line's end."""
    at = 0
    for found in _PARTS.finditer(text):
        yield text[at : found.start()]
        yield found[1] or "\n"
        at = found.end()
    yield text[at:]


def _said(statement: str) -> str:
    """One statement in the lake's words; what is quoted stays as it is."""
    into = _INTO.search(_bare(statement))
    if into and not statement.upper().startswith("INSERT"):
        statement = f"CREATE TABLE #{into[1]} AS {_INTO.sub('', statement, count=1)}"
    return "".join(part if part.startswith("'") else _worded(part) for part in _pieces(statement))


def _worded(part: str) -> str:
    for pattern, word in _SAID:
        part = pattern.sub(word, part)
    return part


def _bare(statement: str) -> str:
    return "".join(part for part in _pieces(statement) if not part.startswith("'"))
