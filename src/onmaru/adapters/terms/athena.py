"""One vocabulary of the OHDSI vocabularies as Athena delivers them: CONCEPT, CONCEPT_SYNONYM, RELATIONSHIP and ANCESTOR.

Codes are the source's own; the number that OHDSI gives a concept is its property `concept-id`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from onmaru.adapters.terms.reading import Form, Row, find, mark, required, stage
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Delivery, Fact, Link, Said, Term

# Left: vocabulary_id as CONCEPT names it. Right: R4's list of code systems (hl7.org/fhir/R4/terminologies-systems.html)
SYSTEMS = {
    "LOINC": "http://loinc.org",
    "SNOMED": "http://snomed.info/sct",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "UCUM": "http://unitsofmeasure.org",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "ATC": "http://www.whocc.no/atc",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CPT4": "http://www.ama-assn.org/go/cpt",
}
NEEDED = ("concept_id", "concept_name", "vocabulary_id", "concept_code", "standard_concept", "invalid_reason")
SAID = ("domain_id", "concept_class_id", "standard_concept", "valid_start_date", "valid_end_date", "invalid_reason")
FORM = Form()
_NUMBER = re.compile(r"[0-9]{1,18}")


def delivery(folder: Path, vocabulary: str, url: str = "", version: str = "") -> Delivery:
    """One vocabulary of the files in a folder. Raises Invalid 404, 422."""
    concepts = required(folder, "CONCEPT.csv", "CONCEPT.csv")
    if not url and vocabulary not in SYSTEMS:
        raise invalid("required", "this vocabulary has no system in R4's list; name one: --url", "url", 422)
    stages = [stage(concepts, FORM, NEEDED, lambda row: _term(row, vocabulary))]
    ancestors = find(folder, "CONCEPT_ANCESTOR.csv") if folder.is_dir() else None
    synonyms = find(folder, "CONCEPT_SYNONYM.csv") if folder.is_dir() else None
    if synonyms is not None:
        stages.append(stage(synonyms, FORM, ("concept_id", "concept_synonym_name"), _synonym))
    relations = find(folder, "CONCEPT_RELATIONSHIP.csv") if folder.is_dir() else None
    if ancestors is not None:
        needed = ("ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation")
        stages.append(stage(ancestors, FORM, needed, _ancestor))
    if relations is not None:
        stages.append(stage(relations, FORM, ("concept_id_1", "concept_id_2", "relationship_id"), _related))
    declared = (Declared("concept-id", "integer"), *(Declared(name, "string") for name in SAID))
    about = About(url or SYSTEMS[vocabulary], version, vocabulary, vocabulary, language="en", declared=declared)
    found = mark(vocabulary, about.url, version, files=[one.path for one in stages])
    return Delivery(about, found, tuple(stages))


def _term(row: Row, vocabulary: str) -> Iterator[Fact | str]:
    if row["vocabulary_id"] != vocabulary:
        return
    number = row["concept_id"]
    if not _NUMBER.fullmatch(number) or not row["concept_code"]:
        yield "concept_id or concept_code is not of Athena's form"
        return
    # Beyond FHIR's integers lie the numbers that a site gave itself
    said = [Property("concept-id", "valueInteger" if int(number) < 2**31 else "valueString", number)]
    said += [Property(name, "valueString", row[name]) for name in SAID if row.get(name)]
    gone = row["invalid_reason"] in ("D", "U")
    yield Term(row["concept_code"], row["concept_name"], "", (), tuple(said), inactive=gone, alias=int(number))


def _synonym(row: Row) -> Iterator[Fact | str]:
    number, text = row["concept_id"], row["concept_synonym_name"]
    if not _NUMBER.fullmatch(number) or not text:
        yield "concept_id or the synonym is not of Athena's form"
        return
    yield Said(int(number), (Designation(text),), loose=True)


def _ancestor(row: Row) -> Iterator[Fact | str]:
    above, below = row["ancestor_concept_id"], row["descendant_concept_id"]
    if not _NUMBER.fullmatch(above) or not _NUMBER.fullmatch(below):
        yield "a concept's number is not one"
    elif row["min_levels_of_separation"] == "1":
        yield Link(int(below), int(above), loose=True)


def _related(row: Row) -> Iterator[Fact | str]:
    first, second = row["concept_id_1"], row["concept_id_2"]
    if not _NUMBER.fullmatch(first) or not _NUMBER.fullmatch(second):
        yield "a concept's number is not one"
    elif row["relationship_id"] == "Is a" and not row.get("invalid_reason"):
        yield Link(int(first), int(second), loose=True)
