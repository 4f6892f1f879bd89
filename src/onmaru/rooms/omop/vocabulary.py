"""A site's vocabulary: the OHDSI CSV files as they come, streamed into site tables. Nothing of it is shipped or changed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from onmaru.fhir.outcome import invalid
from onmaru.rooms.omop.cdm import VOCABULARY, schema

# Columns without which a file is of no use; of the others one that is missing is empty.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "concept": (
        "concept_id",
        "concept_name",
        "domain_id",
        "vocabulary_id",
        "concept_class_id",
        "standard_concept",
        "concept_code",
        "invalid_reason",
    ),
    "concept_relationship": ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"),
    "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
    "concept_synonym": ("concept_id", "concept_synonym_name"),
    "source_to_concept_map": ("source_code", "source_vocabulary_id", "target_concept_id"),
    "drug_strength": ("drug_concept_id", "ingredient_concept_id"),
}
# Vocabularies whose codes have a dot after three characters, which claims leave out
DOTTED = ("ICD10", "ICD10CM", "ICD9CM", "KCD7")
BLOCK = 16 << 20  # bytes of a file that are looked at together


class File:
    """One file being read: `batches` can be taken once, `rows` counts what was."""

    def __init__(self, path: Path, name: str) -> None:
        self.rows = 0
        self._path = path
        self._name = name
        written, self._tabbed = _header(path)
        self._by_name = {column.lower(): column for column in written}
        self._written = written
        missing = [column for column in NEEDED.get(name, ()) if column not in self._by_name]
        if missing:
            raise invalid("invalid", f"lacks the columns {', '.join(missing)}", path.name)

    @property
    def batches(self) -> pa.RecordBatchReader:
        """The rows with the CDM's columns and types, a block at a time. 400 names the file and what is wrong with it."""
        kinds = pa.schema([(field.name, field.type) for field in schema(self._name)])
        return pa.RecordBatchReader.from_batches(kinds, self._made(kinds))

    def _made(self, kinds: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            with csv.open_csv(self._path, **self._options(kinds)) as found:
                for batch in found:
                    self.rows += batch.num_rows
                    yield pa.RecordBatch.from_arrays([self._column(batch, field) for field in kinds], schema=kinds)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise invalid("invalid", "is not the CSV that its header promises", self._path.name) from error

    def _column(self, batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
        written = self._by_name.get(field.name)
        if written is None:
            return pa.nulls(batch.num_rows, field.type)
        found = batch.column(written)
        if pa.types.is_date(field.type):
            # Athena writes 20230131, others 2023-01-31
            found = pc.strptime(pc.replace_substring(found, "-", ""), "%Y%m%d", "s")
        return found.cast(field.type)

    def _options(self, kinds: pa.Schema) -> dict[str, Any]:
        types = {
            written: pa.string() if pa.types.is_date(field.type) else field.type
            for field in kinds
            if (written := self._by_name.get(field.name)) is not None
        }
        form = {"delimiter": "\t", "quote_char": False} if self._tabbed else {"newlines_in_values": True}
        return {
            "read_options": csv.ReadOptions(column_names=self._written, skip_rows=1, block_size=BLOCK),
            "parse_options": csv.ParseOptions(**form),
            "convert_options": csv.ConvertOptions(
                column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=[""]
            ),
        }


def _header(path: Path) -> tuple[list[str], bool]:
    """The columns as they are written; True for tabs without quotes (Athena's form), else commas with quotes."""
    with path.open("rb") as opened:
        header = opened.readline(65_536).decode("utf-8-sig", "replace").strip()
    tabbed = "\t" in header
    return [column.strip().strip('"') for column in header.split("\t" if tabbed else ",")], tabbed


def read(folder: Path) -> dict[str, File]:
    """The files found in a folder, by table; CONCEPT has to be there, or SOURCE_TO_CONCEPT_MAP alone."""
    found = {path.name.upper(): path for path in folder.iterdir()} if folder.is_dir() else {}
    if not {"CONCEPT.CSV", "SOURCE_TO_CONCEPT_MAP.CSV"} & found.keys():
        raise invalid("not-found", "this folder holds no CONCEPT.csv", "DIR")
    return {name: File(path, name) for name in VOCABULARY if (path := found.get(f"{name.upper()}.CSV"))}


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
        "dotted": list(DOTTED),
        "vocabularies": list(known.values()),
        "class_codes": [code for code, _, _ in classes],
        "class_domains": [domain for _, domain, _ in classes],
        "class_concepts": [concept for _, _, concept in classes],
    }
