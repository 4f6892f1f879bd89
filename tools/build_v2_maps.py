"""Compile the official v2-to-FHIR mapping tables (CSV) into src/onmaru/adapters/data/hl7v2.json.

    python tools/build_v2_maps.py MAPPINGS_DIR FHIR_CORE_TGZ

Every attribute path is resolved against the R4 StructureDefinitions, so the program knows without them which elements
repeat and of what type they are. What cannot be read or resolved is listed in docs/operate/hl7v2-tables.md.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import v2_conditions
import v2_decisions as decided
import v2_supplement as supplement

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src/onmaru/adapters/data/hl7v2.json"
REPORT = ROOT / "docs/operate/hl7v2-tables.md"
FIELD = re.compile(r"^([A-Z][A-Z0-9]{2})(?:-(\d+)(?:\.(\d+))?)?$")
PRIMITIVE = re.compile(r"^[a-z]")


class Unresolvable(ValueError):
    """The path names no element of R4."""


class Elements:
    """R4 elements by type: path → (may repeat, types, content reference)."""

    def __init__(self, core: Path) -> None:
        self.types: dict[str, dict[str, tuple[bool, list[str], str]]] = {}
        with tarfile.open(core) as archive:
            for member in archive:
                if not re.match(r"package/StructureDefinition-[A-Za-z]+\.json$", member.name):
                    continue
                definition = json.load(archive.extractfile(member))  # type: ignore[arg-type]  # a regular file, by its name
                if definition.get("derivation") == "constraint":
                    continue
                self.types[definition["type"]] = {
                    e["path"]: (
                        e.get("max") not in ("0", "1"),
                        [t["code"] for t in e.get("type", ())],
                        e.get("contentReference", "").lstrip("#"),
                    )
                    for e in definition["snapshot"]["element"]
                }

    def child(self, where: str, name: str) -> tuple[str, bool, str]:
        """Give (path or type to go on from, repeats, type) of element `name` below `where`."""
        root = where.split(".")[0]
        elements = self.types.get(root, {})
        found = elements.get(f"{where}.{name}")
        if found:
            repeats, types, same = found
            if same:
                return same, repeats, "BackboneElement"
            kind = types[0] if types else ""
            kind = "string" if kind.startswith("http://hl7.org/fhirpath/") else kind
            below = f"{where}.{name}" if kind in ("BackboneElement", "Element") else kind
            return below, repeats, kind
        for path, (_, types, _) in elements.items():
            if path.startswith(where + ".") and path.endswith("[x]"):
                stem = path[len(where) + 1 : -3]
                for kind in types:
                    if name == stem + kind[0].upper() + kind[1:]:
                        return kind, False, kind
        raise Unresolvable(f"{where}.{name}")


def split_path(text: str) -> list[Any]:
    """`a[1].b(Type.c)` → [["a","1"],["b",""],"@Type",["c",""]]."""
    steps: list[Any] = []
    text = text.strip().rstrip(".")
    at = 0
    while at < len(text):
        char = text[at]
        if char in ".)":
            at += 1
        elif char == "(":
            match = re.match(r"\((?:\[1\])?\.?([A-Z]\w+)(?:\[\w+\])?", text[at:])
            if not match:
                raise Unresolvable(text)
            steps.append("@" + match.group(1))
            at += match.end()
        else:
            match = re.match(r"([A-Za-z_]\w*)(?:\[([\w.-]+)\]?)?", text[at:])
            if not match:
                raise Unresolvable(text)
            steps.append([match.group(1), match.group(2) or ""])
            at += match.end()
    return steps


def resolve(elements: Elements, root: str, text: str) -> tuple[list[Any], str]:
    """Give the steps [name, repeats, label] with "@Type" marks, and the type of the leaf."""
    if root not in elements.types:
        raise Unresolvable(root)
    where, kind, steps = root, root, []
    for step in split_path(text):
        if isinstance(step, str):
            if kind not in ("Reference",) and where != "Reference":
                raise Unresolvable(f"{text}: {step} below {kind}")
            steps.append(step)
            where = kind = step[1:]
            if where not in elements.types:
                raise Unresolvable(f"{text}: {where}")
            continue
        name, label = step
        if where.startswith("Extension") and name.startswith("value") and name != "valueReference":
            name = "value" + name[5].upper() + name[6:]
        if PRIMITIVE.match(kind) and name == "extension" and steps and not isinstance(steps[-1], str):
            steps[-1][0] = "_" + steps[-1][0]
            where, repeats, kind = "Extension", True, "Extension"
        else:
            where, repeats, kind = elements.child(where, name)
        steps.append([name, int(repeats), label])
    return steps, kind


def typed(steps: list[Any], leaf: str, row: list[str], constant: str | None) -> tuple[list[Any], str, str | None]:
    """A bare Reference becomes a resource of the type that the table names; constants that name no value are dropped."""
    if leaf == "Reference":
        to = re.search(r"Reference\((\w+)\)", row[11])
        leaf = {"PL": "Location", "XCN": "Practitioner", "XON": "Organization"}.get(row[3], to.group(1) if to else leaf)
        steps = [*steps, "@" + leaf] if leaf != "Reference" else steps
    if isinstance(steps[-1], str) or (leaf == "CodeableConcept" and (constant or "").startswith("http")):
        constant = None  # a resource is made from the field; the name of a code system is not a text
    return steps, leaf, constant


def first_extension(steps: list[Any]) -> Any:
    """The outermost extension step; extensions of two fields never share one even if a table numbers them alike."""
    return next((s for s in steps if not isinstance(s, str) and s[0].lstrip("_") == "extension"), None)


def rows_of(path: Path, width: int) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in csv.reader(file)]
    return found[2:]


class Compiler:
    def __init__(self, tables: Path, core: Path) -> None:
        self.tables = tables
        self.elements = Elements(core)
        self.left: list[tuple[str, str, str]] = []

    def condition(self, table: str, text: str, own: str) -> tuple[bool, Any]:
        """Give (usable, tree)."""
        if text.lower() in ("c", "ic", "h", "b", "v"):  # stray key strokes of the sheets' authors
            self.left.append((table, own, f"condition `{text}` read as none"))
            return True, None
        try:
            return True, v2_conditions.read(text, own)
        except v2_conditions.Unreadable as error:
            self.left.append((table, own, f"condition `{text}` not readable: {error}"))
            return False, None

    def segments(self) -> dict[str, Any]:
        compiled: dict[str, Any] = {}
        for path in sorted((self.tables / "segments").glob("*.csv")):
            match = re.search(r"R4__(\w{3})_(.+?)_-_", path.name)
            assert match, path.name
            name = f"{match.group(1)}[{match.group(2)}]"
            if name in decided.TABLES_LEFT:
                self.left.append((name, "all rows", decided.TABLES_LEFT[name]))
                continue
            root = re.split(r"[-]", match.group(2))[0]
            rows = [r for row in rows_of(path, 19) if (r := self.segment_row(name, root, row)) is not None]
            compiled[name] = rows
        return compiled

    def segment_row(self, table: str, root: str, row: list[str]) -> list[Any] | None:
        identifier = row[1] or (table[:3] if row[0] == "0" else "")
        match, attribute = FIELD.match(identifier), " ".join(row[9].split())
        if not match or not attribute or attribute in ("$this", "local implementation", "Operation"):
            if match and (attribute or row[10]):
                self.left.append((table, identifier, f"no path: `{attribute or row[10]}`"))
            return None
        attribute = decided.path(table, identifier, attribute)
        text = decided.CONDITIONS.get((table, identifier), row[6])
        usable, tree = self.condition(table, text, identifier)
        if not usable or self.is_left(table, identifier, attribute, row[16]):
            return None
        attribute, _, given = attribute.partition("=")
        try:
            steps, leaf = resolve(self.elements, root, attribute)
        except Unresolvable as error:
            self.left.append((table, identifier, f"`{attribute}` is not an element of R4 ({error})"))
            return None
        if leaf in ("Extension", "BackboneElement", "Element"):
            self.left.append((table, identifier, f"`{attribute}` is a group"))
            return None
        constant = self.constant(table, identifier, given or row[16])
        field = int(match.group(2) or 0)
        if constant is not None and re.search(rf"^IF NOT VALUED|{identifier} NOT VALUED", text):
            field = 0  # said because the field is absent, so it cannot wait for the field
        outer = first_extension(steps)
        if outer:
            outer[2] = f"{decided.SHARED_EXTENSIONS.get((table, field), field)}:{outer[2]}"
        vocabulary = decided.VOCABULARY.get(row[15].replace(" ", ""), row[15].replace(" ", ""))
        steps, leaf, constant = typed(steps, leaf, row, constant)
        return [field, int(match.group(3) or 0), tree, steps, leaf, row[3], vocabulary, constant]

    def is_left(self, table: str, identifier: str, attribute: str, assigned: str) -> bool:
        for (of, field, start), reason in decided.ROWS_LEFT.items():
            named = field in ("*", identifier) and table.startswith(of) and attribute.startswith(start)
            if named and (not reason.startswith("only: ") or assigned.strip('"') == reason.split(":")[1].strip()):
                self.left.append((table, identifier, f"`{attribute}`: {reason}"))
                return True
        return False

    def constant(self, table: str, identifier: str, text: str) -> str | None:
        if not text or text.startswith(("/", "#")):
            return None
        plain = re.fullmatch(r'"\s*([^"+]*?)\s*"?', text)
        if plain:
            return decided.CONSTANTS.get(plain.group(1), plain.group(1))
        if re.fullmatch(r"https?://\S+|enterer", text):
            return decided.CONSTANTS.get(text, text)
        self.left.append((table, identifier, f"assignment `{text}` is made in code or not at all"))
        return None

    def types(self) -> dict[str, dict[str, str]]:
        """v2 data types of all fields, mapped or not."""
        found: dict[str, dict[str, str]] = {}
        for path in sorted((self.tables / "segments").glob("*.csv")):
            for row in rows_of(path, 19):
                match = re.fullmatch(r"([A-Z][A-Z0-9]{2})-(\d+)", row[1])
                if match and re.fullmatch(r"[A-Z]{2,3}", row[3]):
                    found.setdefault(match.group(1), {}).setdefault(match.group(2), row[3])
        for segment, fields in supplement.TYPES.items():
            for field, kind in fields.items():
                found.setdefault(segment, {}).setdefault(str(field), kind)
        return found

    def supplement(self) -> dict[str, Any]:
        """Our own segment maps, in the same form."""
        compiled: dict[str, Any] = {}
        for name, rows in supplement.MAPS.items():
            segment, root = re.match(r"(\w{3})\[(\w+)", name).groups()  # type: ignore[union-attr]  # our own table's form
            for field, kind, attribute, vocabulary, constant in rows:
                steps, leaf = resolve(self.elements, root, attribute)
                row = [field, 0, None, steps, leaf, kind, vocabulary, constant or None]
                compiled.setdefault(name, []).append(row)
                if field:
                    supplement.TYPES.setdefault(segment, {}).setdefault(field, kind)
        return compiled

    def messages(self) -> dict[str, Any]:
        compiled = {}
        for path in sorted((self.tables / "messages").glob("*.csv")):
            match = re.search(r"R4__(\w+?)_-_", path.name)
            assert match
            stack: list[list[Any]] = [[]]
            for row in rows_of(path, 14):
                self.message_row(match.group(1), row, stack)
            compiled[match.group(1)] = stack[0]
            self.added(match.group(1), stack[0])
        return compiled

    def added(self, table: str, items: list[Any]) -> None:
        """Put in the segments that the supplement adds behind others."""
        for at in range(len(items) - 1, -1, -1):
            if len(items[at]) == 3:
                self.added(table, items[at][2])
            else:
                items[at + 1 : at + 1] = supplement.ADDED.get((table, items[at][0]), [])

    def message_row(self, table: str, row: list[str], stack: list[list[Any]]) -> None:
        identifier, syntax = row[1], row[2].replace(" ", "")
        if identifier.startswith("/"):
            if len(stack) > 1:
                stack.pop()
            return
        segment = re.search(r"[A-Z][A-Z0-9]{2}", syntax)
        if not segment:
            if any(c in syntax for c in "[{<"):
                group: list[Any] = []
                stack[-1].append([identifier.rsplit(".", 1)[-1], int("{" in syntax), group])
                stack.append(group)
            return
        name, repeats = segment.group(0), int("{" in syntax)
        if not (stack[-1] and stack[-1][-1][0] == name and stack[-1][-1][3] == identifier):
            stack[-1].append([name, repeats, [], identifier])
        target = self.message_target(table, row, name)
        if target:
            stack[-1][-1][2].append(target)

    def message_target(self, table: str, row: list[str], name: str) -> list[Any] | None:
        label, mapped = decided.target(row[9], row[10].replace(" ", "")) if row[10] else (row[9], "")
        if not label or not mapped or mapped in decided.TABLES_LEFT:
            if label and not mapped:
                self.left.append((table, row[1], f"target `{label}` without a segment map"))
            return None
        for (of, segment, start), reason in decided.TARGETS_LEFT.items():
            if of in ("", table) and segment == name and label.startswith(start):
                self.left.append((table, row[1], f"`{label}`: {reason}"))
                return None
        # a slip in VXU_V04: the two rows for OBX must cover every case
        text = row[6].replace('EQUALS 1 AND OBX-2 IS "NA"', 'EQUALS 1 OR OBX-2 IS "NA"')
        usable, tree = self.condition(table, text, row[1])
        if not usable:
            return None
        return [tree, label, mapped, self.references(table, row)]

    def references(self, table: str, row: list[str]) -> list[list[Any]]:
        found: list[list[Any]] = []
        for text in re.split(r"[;\n]", row[11]):
            text = text.strip()
            match = re.fullmatch(
                r"([A-Z]\w+)(?:\[([\w.]+)\])?\.([a-zA-Z.]+?)(?:\.reference|\.id)?=([A-Z]\w+)(?:\[([\w.]+)\])?(?:\.id)?",
                text,
            )
            if match and match.group(1) not in ("Provenance",):
                if match.group(3) in decided.LINKED_IN_CODE:
                    continue
                try:
                    steps, _ = resolve(self.elements, match.group(1), match.group(3))
                except Unresolvable:
                    self.left.append((table, row[1], f"reference `{text}` is made in code"))
                    continue
                found.append([match.group(1), steps, match.group(4)])
            elif text and not text.startswith("Provenance"):
                self.left.append((table, row[1], f"reference `{text}` is made in code"))
        return found

    def vocabularies(self) -> dict[str, dict[str, list[str]]]:
        compiled: dict[str, dict[str, list[str]]] = {}
        for path in sorted((self.tables / "codesystems").glob("*.csv")):
            name = path.name.split("__", 1)[1].split("_-_")[0]
            table: dict[str, list[str]] = {}
            for row in rows_of(path, 12):
                if row[0] and row[6] and row[0] not in table:
                    table[row[0]] = [row[6], row[8], row[9].rstrip()]
            compiled[decided.VOCABULARY_FILES.get(name, name)] = table
        return compiled

    def structures(self) -> dict[str, str]:
        path = next((self.tables / "codesystems").glob("*MessageStructure*"))
        events: dict[str, str] = {}
        for row in rows_of(path, 12):
            message = row[0].split("_")[0]
            for event in re.findall(r"\b[A-Z][A-Z0-9]{2}\b", row[1]):
                events.setdefault(f"{message}_{event}", row[0])
        return events


def main(tables: Path, core: Path) -> int:
    compiler = Compiler(tables, core)
    own = compiler.supplement()
    segments = compiler.segments()
    for name, rows in own.items():
        segments[name] = segments.get(name, []) + rows
    data = {
        "structures": compiler.structures(),
        "messages": {**compiler.messages(), "*": supplement.generic()},
        "segments": segments,
        "types": compiler.types(),
        "defaults": supplement.DEFAULTS,
        "vocabularies": compiler.vocabularies(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
    lines = [
        "# What the mapping tables leave open",
        "",
        "Made by `tools/build_v2_maps.py` from the official v2-to-FHIR tables (HL7/v2-to-fhir, Apache-2.0). Each line is a",
        "table row that the program does not follow as it stands, with the reason. Such fields are mapped in code, by the",
        "supplement, or kept as an extension; see the HL7 v2 door.",
        "",
        "| table | row | reason |",
        "| --- | --- | --- |",
    ]
    lines += [
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in one) + " |"
        for one in sorted(set(compiler.left))
    ]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        f"{OUT.stat().st_size} bytes, {len(data['segments'])} segment tables, {len(set(compiler.left))} rows left open"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
