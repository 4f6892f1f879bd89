"""SQL that a person typed: one SELECT over tables that it names plainly, and nothing else, before it is run at all.

Its one law: a list of what is allowed. Rows are narrowed behind the names of tables, so no other way to a row may be left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.sql import dollars
from onmaru.fhir.outcome import Invalid, invalid

SOURCES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION"})
FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
LONGEST = 20_000
_PARSE = "SELECT json_serialize_sql($text::VARCHAR) AS tree"
_reader = Reader(memory="256MB", threads=1)


def checked(sql: str, known: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The statement as the FROM of another, and the `known` tables that it names in any case.

    `Invalid` 400 for what is not one SELECT, for another table, or for a function that reads anything.
    """
    text, names = dollars(sql.strip().rstrip(";"))
    if len(text) > LONGEST:
        raise invalid("too-long", f"a statement has at most {LONGEST} characters", "sql")
    if names:
        raise invalid("invalid", "there are no parameters to fill in", "sql")
    with told():
        (row,) = _reader.table(_PARSE, {"text": text}, {}).to_pylist()
    tree = msgspec.json.decode(row["tree"])
    statements = tree.get("statements") or []
    if tree.get("error") or len(statements) != 1:
        raise invalid("invalid", str(tree.get("error_message") or "only one SELECT can be asked"), "sql")
    walk = _Walk(known)
    walk.node(statements[0], frozenset())
    if len({name.casefold() for name in walk.found}) < len(walk.found):
        raise _refused("one statement cannot read two tables whose names differ in their case alone")
    return f"SELECT * FROM (\n{text}\n) AS asked", tuple(sorted(walk.found))


@contextmanager
def told() -> Iterator[None]:
    """What DuckDB says of the words of a statement is told; of anything that quotes a value only its kind is."""
    import duckdb

    try:
        yield
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        raise invalid("invalid", str(error).partition("\n\n")[0], "sql") from None
    except duckdb.OutOfMemoryException:
        raise invalid("too-costly", "the answer needs more memory than the lake may use", "sql") from None
    except duckdb.Error as error:
        raise invalid("processing", f"the statement cannot be answered: {type(error).__name__}", "sql") from None


class _Walk:
    """Looks at every table that a statement reads from. `scope`: names of WITH that stand where it looks."""

    def __init__(self, known: Collection[str]) -> None:
        # A FHIR type and a CDM table may be called alike but for case: the name as it was written comes first
        self._known = {**{name.casefold(): name for name in known}, **{name: name for name in known}}
        self.found: set[str] = set()

    def node(self, node: Any, scope: frozenset[str]) -> None:
        """Look at one part of the statement, and at all below it."""
        if isinstance(node, list):
            for one in node:
                self.node(one, scope)
        elif isinstance(node, dict):
            scope = self._with(node, scope)
            self._source(node, scope)
            for name, value in node.items():
                if name != "cte_map":
                    self.node(value, scope)

    def _source(self, node: dict[str, Any], scope: frozenset[str]) -> None:
        kind = node.get("type")
        if "from_table" in node:
            _readable([node["from_table"]])
        if kind == "JOIN":
            _readable([node["left"], node["right"]])
        elif kind == "BASE_TABLE":
            self._table(node, scope)
        elif kind == "TABLE_FUNCTION":
            _known_function(node["function"])
        elif node.get("class") == "PARAMETER":
            raise _refused("there are no parameters to fill in")

    def _with(self, node: dict[str, Any], scope: frozenset[str]) -> frozenset[str]:
        """The scope with the names of WITH, each of which sees those before it, and itself if it is recursive."""
        if node.get("type") == "RECURSIVE_CTE_NODE":
            scope |= {str(node["cte_name"]).casefold()}
        for entry in (node.get("cte_map") or {}).get("map") or []:
            self.node(entry["value"], scope)
            scope |= {str(entry["key"]).casefold()}
        return scope

    def _table(self, node: dict[str, Any], scope: frozenset[str]) -> None:
        name = str(node["table_name"])
        plain = not (node.get("schema_name") or node.get("catalog_name") or node.get("at_clause"))
        if plain and name.casefold() in scope:
            return
        if not plain:
            raise _refused("a table is named without schema, catalogue and version")
        found = self._known.get(name) or self._known.get(name.casefold())
        if found is None:
            raise _refused(f"there is no table {name}")
        self.found.add(found)


def _readable(sources: list[Any]) -> None:
    for one in sources:
        if one.get("type") not in SOURCES:
            raise _refused(f"{one.get('type')} cannot be read from")


def _known_function(node: Any) -> None:
    name = str(node.get("function_name")).casefold()
    if name not in FUNCTIONS or node.get("schema") or node.get("catalog"):
        raise _refused(f"the table function {name} is not allowed")


def _refused(text: str) -> Invalid:
    return invalid("invalid", text, "sql")
