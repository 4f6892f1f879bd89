"""SNOMED CT in Release Format 2: the Snapshot of an edition, with its language and simple reference sets.

Identifiers are those of the RF2 specification and of R4's page on SNOMED CT; what is not is-a is a property by its type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyroaring import BitMap64

from onmaru.adapters.terms.reading import Form, Row, every, mark, rows, stage
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Delivery, Fact, Link, Refused, Said, Stage, Term

URL = "http://snomed.info/sct"
INTERNATIONAL = "900000000000207008"
IS_A = "116680003"
FULL_NAME = "900000000000003001"
PREFERRED = "900000000000548007"
DEFINED = "900000000000073002"
_ID = re.compile(r"[1-9][0-9]{5,17}")
_RELEASED = re.compile(r"_INT_([0-9]{8})\.txt")
FORM = Form("\t")


def delivery(folder: Path, url: str = "", version: str = "") -> Delivery:
    """The Snapshot in a folder, extensions beside it too. Raises Invalid 404 for a file that is missing, 422."""
    concepts = every(folder, "*sct2_Concept_Snapshot_*.txt")
    described = every(folder, "*sct2_Description_Snapshot*.txt", "*sct2_TextDefinition_Snapshot*.txt")
    related = every(folder, "*sct2_Relationship_Snapshot_*.txt")
    for what, found in (("Concept", concepts), ("Description", described), ("Relationship", related)):
        if not found:
            raise invalid("not-found", f"holds no {what} Snapshot of RF2", folder.name, 404)
    languages = every(folder, "*der2_cRefset_Language*Snapshot*.txt")
    sets = every(folder, "*der2_Refset_Simple*Snapshot*.txt")
    stages = [stage(one, FORM, ("id", "active", "moduleId", "definitionStatusId"), _concept) for one in concepts]
    stages += [_described(one, languages) for one in described]
    wanted = ("active", "sourceId", "destinationId", "typeId")
    stages += [stage(one, FORM, wanted, _related) for one in related]
    stages += [stage(one, FORM, ("active", "refsetId", "referencedComponentId"), _member) for one in sets]
    declared = (Declared("moduleId", "code"), Declared("sufficientlyDefined", "boolean"), Declared("refset", "code"))
    edition = version or _edition(concepts)
    about = About(url or URL, edition, "SNOMED CT", "SNOMED CT", language="en", declared=declared)
    files = [*(one.path for one in stages), *languages]
    return Delivery(about, mark(about.url, about.version, files=files), tuple(stages))


def _edition(concepts: Iterable[Path]) -> str:
    """The version of the international edition, by the name of its file; another edition has to be named."""
    for path in concepts:
        found = _RELEASED.search(path.name)
        if found:
            return f"{URL}/{INTERNATIONAL}/version/{found[1]}"
    reason = f"name the edition: --version {URL}/MODULE/version/YYYYMMDD"
    raise invalid("required", reason, "version", 422)


def _concept(row: Row) -> Iterator[Fact | str]:
    if not _ID.fullmatch(row["id"]) or row["active"] not in ("0", "1"):
        yield "id or active is not of RF2's form"
        return
    defined = "true" if row["definitionstatusid"] == DEFINED else "false"
    said = (
        Property("moduleId", "valueCode", row["moduleid"]),
        Property("sufficientlyDefined", "valueBoolean", defined),
    )
    yield Term(row["id"], "", properties=said, inactive=row["active"] == "0")


def _described(path: Path, languages: Iterable[Path]) -> Stage:
    needed = ("id", "active", "conceptId", "languageCode", "typeId", "term")

    def facts(advance: object) -> Iterator[tuple[int, Fact]]:
        preferred = _preferred(languages)
        made = stage(path, FORM, needed, lambda row: _description(row, preferred))
        yield from made.facts(advance)  # type: ignore[arg-type]  # it is handed on as it came

    return Stage(path, path.stat().st_size, facts)


def _description(row: Row, preferred: BitMap64) -> Iterator[Fact | str]:
    if not _ID.fullmatch(row["id"]) or not row["term"]:
        yield "id or term is not of RF2's form"
        return
    if row["active"] != "1":
        return
    language, term = row["languagecode"], row["term"]
    text = Designation(term, language, (URL, row["typeid"], ""))
    full = row["typeid"] == FULL_NAME
    liked = int(row["id"]) in preferred
    display = term if language.startswith("en") and (full or liked) else ""
    if liked and not full and not language.startswith("en"):
        text = Designation(term, language)
    yield Said(row["conceptid"], (text,), (), display, weak=full or not liked)


def _preferred(languages: Iterable[Path]) -> BitMap64:
    """The descriptions that some language reference set prefers; a bitmap of a million of them is some megabytes."""
    found = BitMap64()
    for path in languages:
        needed = ("active", "referencedComponentId", "acceptabilityId")
        for _, row in rows(path, FORM, needed, lambda size: None):
            if isinstance(row, Refused) or row["active"] != "1" or row["acceptabilityid"] != PREFERRED:
                continue
            if _ID.fullmatch(row["referencedcomponentid"]):
                found.add(int(row["referencedcomponentid"]))
    return found


def _related(row: Row) -> Iterator[Fact | str]:
    if not all(_ID.fullmatch(row[name]) for name in ("sourceid", "destinationid", "typeid")):
        yield "sourceId, destinationId or typeId is not of RF2's form"
    elif row["active"] != "1":
        return
    elif row["typeid"] == IS_A:
        yield Link(row["sourceid"], row["destinationid"])
    else:
        yield Said(row["sourceid"], (), (Property(row["typeid"], "valueCode", row["destinationid"]),))


def _member(row: Row) -> Iterator[Fact | str]:
    if row["active"] == "1":
        yield Said(row["referencedcomponentid"], (), (Property("refset", "valueCode", row["refsetid"]),))
