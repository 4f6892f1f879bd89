"""The resource tables made flat for the checks: one view a type, compiled from FHIRPath for the columns that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from onmaru.fhir.columnar import Column
from onmaru.fhir.views import DIALECTS, compile, parse
from onmaru.kernel.lake import Lake
from onmaru.kernel.views import tree_of
from onmaru.rooms.quality.resources.listed import types

OWN = ("_source", "_version", "_t", "_patient")
PROVENANCE, DOCUMENT = "Provenance", "DocumentReference"
_DUCK = DIALECTS["duckdb"]
_DAY = "CASE length(t) WHEN 4 THEN t || '-01-01' WHEN 7 THEN t || '-01' ELSE t END"
_LENGTH = (
    "CASE length(t) WHEN 4 THEN INTERVAL 1 YEAR WHEN 7 THEN INTERVAL 1 MONTH WHEN 10 THEN INTERVAL 1 DAY "
    "ELSE INTERVAL 0 DAY END"
)
# What the checks' SQL calls by these names. A time without a zone is UTC; `data` are the bytes of a v2 message as text
MACROS = (
    f"CREATE MACRO moment(t) AS make_timestamp(epoch_us(TRY_CAST({_DAY} AS TIMESTAMPTZ)))",
    f"CREATE MACRO passed(t) AS moment(t) + {_LENGTH}",
    "CREATE MACRO after(a, b) AS CASE WHEN length(a) > 10 AND length(b) > 10 THEN moment(a) > moment(b) "
    "ELSE left(a, least(length(a), length(b), 10)) > left(b, least(length(a), length(b), 10)) END",
    "CREATE MACRO field(data, name, place) AS split_part(nullif(split_part(list_filter(string_split(data, '\\x0D'), "
    "lambda s: starts_with(ltrim(replace(s, '\\x0A', '')), name))[1], substr(data, 4, 1), place + 1), ''), '^', 1)",
    "CREATE MACRO body(data) AS substr(data, strpos(data, '\\x0D'))",
)
# Which message brought what, and when it was sent: a row for each target of a Provenance
_ORIGINS = {
    "resourceType": "ViewDefinition",
    "resource": PROVENANCE,
    "select": [
        {
            "column": [
                {
                    "name": "message",
                    "path": "entity.what.reference.where($this.startsWith('DocumentReference/')).first()",
                },
                {"name": "sender", "path": "agent.first().who.display"},
                {"name": "sent", "path": "recorded"},
                {"name": "written", "path": "meta.lastUpdated"},
            ]
        },
        {"forEach": "target", "column": [{"name": "target", "path": "reference"}]},
    ],
}
_MESSAGES = {
    "resourceType": "ViewDefinition",
    "resource": DOCUMENT,
    "select": [
        {
            "column": [
                {"name": "control", "path": "identifier.where(system != 'urn:onmaru:message').first().value"},
                {"name": "kind", "path": "type.text"},
            ]
        }
    ],
}
SENT = "CREATE VIEW flat_sent AS SELECT target, sent, _t FROM origins WHERE message IS NOT NULL"
Trees = Mapping[str, Column]


def trees(lake: Lake, names: Iterable[str]) -> Trees:
    """The columns that the tables of these types have in this lake."""
    return {name: tree_of(name, lake.layout(name).columns) for name in names}


def views(there: Trees) -> Iterator[str]:
    """The macros, then `flat_TYPE` for each of the types, and `origins` and `messages` where their types are among them."""
    yield from MACROS
    for name, tree in there.items():
        if name in types():
            yield _flat(name, tree)
    for name, type, definition in (("origins", PROVENANCE, _ORIGINS), ("messages", DOCUMENT, _MESSAGES)):
        if type in there:
            yield f"CREATE VIEW {name} AS {_compiled(definition, there[type])}"
    if PROVENANCE in there:
        yield SENT


def _flat(name: str, tree: Column) -> str:
    of = types()[name]
    columns = [
        {"name": column, "path": path} for column, path in {**of.columns, "recorded": "meta.lastUpdated"}.items()
    ]
    made = "".join(f", {sql} AS {column}" for column, sql in of.made.items())
    definition = {"resourceType": "ViewDefinition", "resource": name, "select": [{"column": columns}]}
    return f"CREATE VIEW flat_{name} AS SELECT *{made} FROM ({_compiled(definition, tree)})"  # noqa: S608 - of our own list


def _compiled(definition: Mapping[str, object], tree: Column) -> str:
    return compile(parse(definition), tree, _DUCK, _DUCK.quoted(tree.type), OWN).sql
