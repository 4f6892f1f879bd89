"""What lies behind a script's tables: its statements read tables by their names, and never the catalogue that lists them.

Its one law: what is not narrowed has a name that cannot be guessed, and nothing that tells names may be asked.
"""

from __future__ import annotations

import re

from onmaru.fhir.outcome import invalid

# Functions, schemas and statements that tell the names of tables, or run words that are put together meanwhile
_TELLING = re.compile(
    r"(duckdb_\w+|pg_\w+|sqlite_\w+|information_schema|pragma_\w+|query_table|json_\w*serialize\w*_sql)|query(?=\s*\()",
    re.IGNORECASE,
)
# DuckDB takes a text in '' for the name of a table, of the schemas that it searches alone
_AS_TEXT = re.compile(r"'(?:duckdb|pg|sqlite|pragma)_\w+'", re.IGNORECASE)
# Words that do so where they are no name in quotes
_STATEMENTS = frozenset({"show", "describe", "summarize", "pragma"})


def named_plainly(statement: str, script: str, number: int) -> None:
    """`Invalid` 400 for a statement that names what tells of other tables; DuckDB's own reading of its words decides."""
    import duckdb

    raw = statement.encode()
    words = duckdb.tokenize(statement)
    ends = [start for start, _ in words[1:]] + [len(raw)]
    for (start, kind), end in zip(words, ends, strict=True):
        said = raw[start:end].decode(errors="replace").strip()
        if kind == duckdb.token_type.string_const:
            tells = _AS_TEXT.fullmatch(said) is not None
        elif kind in (duckdb.token_type.identifier, duckdb.token_type.keyword):
            tells = _tells(said, raw[end : end + 1].decode(errors="replace"))
        else:
            continue
        if tells:
            raise invalid("processing", f"statement {number} failed: it names what a script may not ask", script)


def _tells(said: str, after: str) -> bool:
    word = said.strip('"')
    found = _TELLING.match(word + after)
    return said.lower() in _STATEMENTS or (found is not None and (not found[1] or len(found[1]) == len(word)))
