"""RxNorm in the Rich Release Format of the U.S. National Library of Medicine: RXNCONSO.RRF and RXNREL.RRF.

A relationship reads from the second concept to the first: `RXCUI2 RELA RXCUI1` (RxNorm technical documentation, RXNREL).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from onmaru.adapters.terms.reading import Form, Row, find, mark, required, stage
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Delivery, Fact, Link, Said, Term

URL = "http://www.nlm.nih.gov/research/umls/rxnorm"
# The file's columns in order; each line ends with a bar, so there is one more that is empty
CONSO = ("RXCUI", "LAT", "TS", "LUI", "STT", "SUI", "ISPREF", "RXAUI", "SAUI", "SCUI",
         "SDUI", "SAB", "TTY", "CODE", "STR", "SRL", "SUPPRESS", "CVF", "")  # fmt: skip
REL = ("RXCUI1", "RXAUI1", "STYPE1", "REL", "RXCUI2", "RXAUI2", "STYPE2", "RELA", "RUI", "SRUI",
       "SAB", "SL", "RG", "DIR", "SUPPRESS", "CVF", "")  # fmt: skip
SYNONYMS = frozenset({"SY", "TMSY", "PSN", "ET"})
_CUI = re.compile(r"[0-9]{1,8}")
_RELEASE = re.compile(r"RxNorm_(?:full|weekly|prescribe)\w*?_([0-9]{8})", re.IGNORECASE)


def delivery(folder: Path, url: str = "", version: str = "") -> Delivery:
    """The release unpacked in a folder; its version by the folder's name where none is given. Raises Invalid 404."""
    names = required(folder, "RXNCONSO.RRF", "RXNCONSO.RRF")
    relations = find(folder, "RXNREL.RRF") if folder.is_dir() else None
    conso = Form("|", CONSO)
    stages = [stage(names, conso, (), _term), stage(names, conso, (), _said)]
    if relations is not None:
        stages.append(stage(relations, Form("|", REL), (), _related))
    release = _RELEASE.search(str(folder.resolve()))
    declared = (Declared("TTY", "code"), Declared("SUPPRESS", "code"))
    about = About(
        url or URL, version or (release[1] if release else ""), "RxNorm", "RxNorm", language="en", declared=declared
    )
    return Delivery(about, mark(about.url, about.version, files=[one.path for one in stages]), tuple(stages))


def _term(row: Row) -> Iterator[Fact | str]:
    if row["sab"] != "RXNORM" or row["tty"] in SYNONYMS:
        return
    if not _CUI.fullmatch(row["rxcui"]) or not row["str"]:
        yield "RXCUI or STR is not of RxNorm's form"
        return
    # E: a relation kept for history; O and Y: no longer to be used (SUPPRESS)
    yield Term(row["rxcui"], row["str"], inactive=row["suppress"] in ("O", "Y", "E"), loose=True)


def _said(row: Row) -> Iterator[Fact | str]:
    if row["sab"] != "RXNORM" or not _CUI.fullmatch(row["rxcui"]):
        return
    texts = (Designation(row["str"], "en", (URL, row["tty"], "")),) if row["tty"] in SYNONYMS and row["str"] else ()
    said = [Property("TTY", "valueCode", row["tty"])]
    if row["suppress"] not in ("", "N"):
        said.append(Property("SUPPRESS", "valueCode", row["suppress"]))
    yield Said(row["rxcui"], texts, tuple(said))


def _related(row: Row) -> Iterator[Fact | str]:
    if row["sab"] != "RXNORM" or row["stype1"] != "CUI" or not row["rela"]:
        return
    first, second = row["rxcui1"], row["rxcui2"]
    if not _CUI.fullmatch(first) or not _CUI.fullmatch(second):
        yield "RXCUI1 or RXCUI2 is not of RxNorm's form"
        return
    if row["rela"] == "isa":
        yield Link(second, first)
    yield Said(second, (), (Property(row["rela"], "valueCode", first),))
