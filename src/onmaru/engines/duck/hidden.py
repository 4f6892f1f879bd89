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
# Words that do so where they are no name in quotes
_STATEMENTS = frozenset({"show", "describe", "summarize", "pragma"})


def named_plainly(statement: str, script: str, number: int) -> None:
    """`Invalid` 400 for a statement that names what tells of other tables; DuckDB's own reading of its words decides."""
    import duckdb

    raw = statement.encode()
    words = duckdb.tokenize(statement)
    ends = [start for start, _ in words[1:]] + [len(raw)]
    for (start, kind), end in zip(words, ends, strict=True):
        if kind not in (duckdb.token_type.identifier, duckdb.token_type.keyword):
            continue
        said = raw[start:end].decode(errors="replace").strip()
        word = said.strip('"')
        after = raw[end : end + 1].decode(errors="replace")
        found = _TELLING.match(word + after)
        if said.lower() in _STATEMENTS or (found and (not found[1] or len(found[1]) == len(word))):
            raise invalid("processing", f"statement {number} failed: it names what a script may not ask", script)
