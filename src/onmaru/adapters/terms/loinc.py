"""LOINC as Regenstrief delivers it: Loinc.csv, and where they are there the parts, the hierarchy and the Korean variant.

Properties have LOINC's own names (R4 loinc.html); a part is a value of its property beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from onmaru.adapters.terms.reading import Form, Row, every, find, mark, required, stage
from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About, Declared
from onmaru.kernel.deliveries import Delivery, Fact, Link, Said, Stage, Term

URL = "http://loinc.org"
AXES = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS")
MORE = ("STATUS", "CLASSTYPE", "ORDER_OBS", "VersionLastChanged")
_NUMBER = re.compile(r"[0-9]{1,7}-[0-9]")
_PART = re.compile(r"L[A-Z][0-9]{1,7}-[0-9]")
_VARIANT = re.compile(r"([a-z]{2})([A-Z]{2})[0-9]*LinguisticVariant\.csv")
_RELEASE = re.compile(r"Loinc_([0-9]+\.[0-9]+)", re.IGNORECASE)
FORM = Form(",")


def delivery(folder: Path, url: str = "", version: str = "") -> Delivery:
    """The release unpacked in a folder; its version by the folder's name where none is given. Raises Invalid 404, 422."""
    table = required(folder, "Loinc.csv", "Loinc.csv")
    parts = every(folder, "LoincPartLink*.csv") if folder.is_dir() else []
    tree = find(folder, "ComponentHierarchyBySystem.csv", "MultiAxialHierarchy.csv") if folder.is_dir() else None
    variants = every(folder, "koKR*LinguisticVariant.csv") if folder.is_dir() else []
    stages = [stage(table, FORM, ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS", *AXES), _term)]
    stages += [stage(one, FORM, ("LoincNumber", "PartNumber", "Property"), _part) for one in parts]
    if tree is not None:
        stages.append(stage(tree, FORM, ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT"), _node))
        stages.append(stage(tree, FORM, ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT"), _link))
    stages += map(_variant, variants)
    release = _RELEASE.search(str(folder.resolve()))
    declared = tuple(Declared(name, "string", f"{URL}/property/{name}") for name in (*AXES, *MORE))
    about = About(
        url or URL, version or (release[1] if release else ""), "LOINC", "LOINC", language="en", declared=declared
    )
    return Delivery(about, mark(about.url, about.version, files=[one.path for one in stages]), tuple(stages))


def _term(row: Row) -> Iterator[Fact | str]:
    code = row["loinc_num"].strip()
    if not _NUMBER.fullmatch(code):
        yield "LOINC_NUM is no LOINC number"
        return
    said = [(name, row.get(name.lower(), "")) for name in (*AXES, *MORE)]
    properties = tuple(Property(name, "valueString", value) for name, value in said if value)
    named = [(row.get("shortname", ""), "SHORTNAME"), (row.get("consumer_name", ""), "ConsumerName")]
    texts = tuple(Designation(text, "en", (URL, use, "")) for text, use in named if text)
    display = row["long_common_name"] or row["component"]
    definition = row.get("definitiondescription", "")
    yield Term(code, display, definition, texts, properties, inactive=row["status"].upper() == "DEPRECATED")


def _part(row: Row) -> Iterator[Fact | str]:
    name = row["property"].rsplit("/", 1)[-1]
    if not name or not _PART.fullmatch(row["partnumber"]):
        yield "the property or the part is not of LOINC's form"
        return
    yield Said(row["loincnumber"], (), (Property(name, "valueCode", row["partnumber"], "", row.get("partname", "")),))


def _node(row: Row) -> Iterator[Fact | str]:
    code = row["code"].strip()
    if _PART.fullmatch(code):
        yield Term(code, row["code_text"], abstract=True, loose=True)
    elif not _NUMBER.fullmatch(code):
        yield "CODE is neither a LOINC number nor a part"


def _link(row: Row) -> Iterator[Fact | str]:
    if row["immediate_parent"]:
        yield Link(row["code"].strip(), row["immediate_parent"].strip())


def _variant(path: Path) -> Stage:
    found = _VARIANT.fullmatch(path.name)
    language = f"{found[1]}-{found[2]}" if found else "ko-KR"

    def read(row: Row) -> Iterator[Fact | str]:
        text = row.get("linguisticvariantdisplayname", "") or row.get("long_common_name", "")
        if not text:
            text = ":".join(row.get(name.lower(), "") for name in AXES[:6]).strip(":")
        more = (Designation(row["shortname"], language, (URL, "SHORTNAME", "")),) if row.get("shortname") else ()
        texts = (Designation(text, language), *more) if text else more
        if texts:
            yield Said(row["loinc_num"].strip(), texts)

    return stage(path, FORM, ("LOINC_NUM",), read)
