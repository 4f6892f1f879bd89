"""A site's vocabulary: the OHDSI CSV files as they come, published as site tables. Nothing of it is shipped or changed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv

from onmaru.fhir.outcome import invalid

# Site table → column → SQL type; the columns that the views read. CDM 5.4, tables CONCEPT and CONCEPT_RELATIONSHIP.
SITE: Mapping[str, Mapping[str, str]] = {
    "concept": {
        "concept_id": "BIGINT",
        "concept_name": "VARCHAR",
        "domain_id": "VARCHAR",
        "vocabulary_id": "VARCHAR",
        "concept_class_id": "VARCHAR",
        "standard_concept": "VARCHAR",
        "concept_code": "VARCHAR",
        "invalid_reason": "VARCHAR",
    },
    "concept_relationship": {
        "concept_id_1": "BIGINT",
        "concept_id_2": "BIGINT",
        "relationship_id": "VARCHAR",
        "invalid_reason": "VARCHAR",
    },
}
_ARROW = {"BIGINT": pa.int64(), "VARCHAR": pa.string()}


def read(folder: Path) -> dict[str, pa.Table]:
    """The tables found in a folder, by name; CONCEPT has to be there. 400 names the file and what is wrong with it."""
    found = {path.name.upper(): path for path in folder.iterdir()} if folder.is_dir() else {}
    if "CONCEPT.CSV" not in found:
        raise invalid("not-found", "this folder holds no CONCEPT.csv", "DIR")
    return {name: table(path, name) for name in SITE if (path := found.get(f"{name.upper()}.CSV"))}


def table(path: Path, name: str) -> pa.Table:
    """One file, tab-separated without quotes (as Athena gives it) or comma-separated with quotes."""
    with path.open("rb") as opened:
        header = opened.readline(65_536).decode("utf-8-sig", "replace").strip()
    tabbed = "\t" in header
    written = [column.strip().strip('"') for column in header.split("\t" if tabbed else ",")]
    by_name = {column.lower(): column for column in written}
    missing = [column for column in SITE[name] if column not in by_name]
    if missing:
        raise invalid("invalid", f"lacks the columns {', '.join(missing)}", path.name)
    types = {by_name[column]: _ARROW[kind] for column, kind in SITE[name].items()}
    options: dict[str, Any] = {
        "read_options": csv.ReadOptions(column_names=written, skip_rows=1),
        "parse_options": csv.ParseOptions(
            delimiter="\t" if tabbed else ",", quote_char=False if tabbed else '"', newlines_in_values=not tabbed
        ),
        "convert_options": csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=False, null_values=[""]
        ),
    }
    try:
        read = csv.read_csv(path, **options)
    except pa.ArrowInvalid as error:
        raise invalid("invalid", "is not the CSV that its header promises", path.name) from error
    return read.rename_columns(list(SITE[name]))


def systems(more: str) -> dict[str, str]:
    """Code system → vocabulary_id: data/systems.toml, then the site's own `uri=ID`, separated by spaces."""
    known: dict[str, str] = tomllib.loads((files(__package__) / "data" / "systems.toml").read_text("utf-8"))
    for pair in more.split():
        uri, _, name = pair.rpartition("=")
        if not uri or not name:
            raise invalid("value", "is not a list of uri=VOCABULARY separated by spaces", "systems")
        known[uri] = name
    return known


def parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the derivation is told about codes, and about the site."""
    known = systems(str(settings.get("systems", "")))
    groups = tomllib.loads((files(__package__) / "data" / "classes.toml").read_text("utf-8"))
    classes = [(code, domain, concept) for domain, codes in groups.items() for code, concept in codes.items()]
    return {
        "source_name": str(settings.get("source_name", "Onmaru")),
        "uris": list(known),
        "vocabularies": list(known.values()),
        "class_codes": [code for code, _, _ in classes],
        "class_domains": [domain for _, domain, _ in classes],
        "class_concepts": [concept for _, _, concept in classes],
    }
