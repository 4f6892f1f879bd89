"""The laws that every room inherits. Each law is first shown to notice a room that breaks it."""

from __future__ import annotations

import gzip
import importlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from onmaru.app import rooms
from onmaru.kernel.log import Op, Version
from onmaru.kernel.projection import Projection, Row
from onmaru.kernel.room import Command, Room, Route, Setting

ROOT = Path(__file__).resolve().parents[1]

# SMART App Launch 2.2, "Scopes for requesting FHIR Resources": context / type . letters of cruds, in that order.
SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(?=[cruds])c?r?u?d?s?")


class Found(NamedTuple):
    """A room with the folder it lives in and its module's docstring."""

    room: Room
    folder: Path
    doc: str


def ours() -> list[Found]:
    found = []
    for name, place in rooms.known().items():
        module = importlib.import_module(place.partition(":")[0])
        found.append(Found(rooms.open_room(name), Path(str(module.__file__)).parent, module.__doc__ or ""))
    return found


def flat(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    rows: dict[str, str] = {}
    for key, value in table.items():
        rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return rows


def strings(folder: Path, language: str) -> dict[str, str]:
    """The room's own texts and those of its pages."""
    texts, pages = folder / f"strings.{language}.toml", folder / "ui" / f"{language}.json"
    own = flat(tomllib.loads(texts.read_text("utf-8"))) if texts.is_file() else {}
    return own | (flat(msgspec.json.decode(pages.read_bytes())) if pages.is_file() else {})


def places(text: str) -> set[str]:
    """The names that a text fills in: `{name}` and the number of `{n|patient|patients}`."""
    return set(re.findall(r"\{(\w*)", text))


def every_string_is_there_in_korean_and_english(found: Found) -> list[str]:
    ko, en = (strings(found.folder, language) for language in ("ko", "en"))
    faults = [f"strings: {key} is in one language only" for key in sorted(ko.keys() ^ en.keys())]
    for key in sorted(ko.keys() & en.keys()):
        if not ko[key].strip() or not en[key].strip():
            faults.append(f"strings: {key} is empty")
        if re.search("[가-힣]", en[key]):
            faults.append(f"strings: {key} is Korean in strings.en.toml")
        if places(ko[key]) != places(en[key]):
            faults.append(f"strings: {key} fills other places in Korean than in English")
    return faults


def every_route_and_command_has_a_scope_that_the_room_declares(found: Found) -> list[str]:
    room = found.room
    asked = {f"{route.method} {route.path}": route.scope for route in room.routes}
    asked |= {f"command {command.name}": command.scope for command in room.commands}
    faults = [
        f"{where}: {scope!r} is no SMART v2 scope" for where, scope in asked.items() if not SCOPE.fullmatch(scope)
    ]
    faults += [
        f"{where}: {scope} is not among the room's scopes" for where, scope in asked.items() if not covered(scope, room)
    ]
    return faults + [f"scopes: {scope!r} is no SMART v2 scope" for scope in room.scopes if not SCOPE.fullmatch(scope)]


def covered(scope: str, room: Room) -> bool:
    context, _, rest = scope.partition("/")
    type, _, verbs = rest.partition(".")
    for declared in room.scopes:
        if declared.partition("/")[0] == context:
            on, _, may = declared.partition("/")[2].partition(".")
            if on in ("*", type) and set(verbs) <= set(may):
                return True
    return False


def every_route_is_named_once_and_starts_with_a_slash(found: Found) -> list[str]:
    names = [(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in found.room.routes]
    faults = [f"{method} {path} twice" for method, path in set(names) if names.count((method, path)) > 1]
    return faults + [f"{path} does not start with /" for _, path in names if not path.startswith("/")]


def the_room_says_what_it_is_for(found: Found) -> list[str]:
    return [] if len(found.doc.split()) >= 8 else ["the docstring of __init__.py does not say what the room is for"]


def every_projection_is_numbered_and_keeps_its_own_tables(found: Found) -> list[str]:
    faults = []
    for projection in found.room.projections:
        if projection.version < 1:
            faults.append(f"projection {projection.name} has no version")
        if not projection.types:
            faults.append(f"projection {projection.name} does not say which types it follows")
    tables = [table.name for projection in found.room.projections for table in projection.tables]
    return faults + [f"table {table} is kept twice" for table in sorted(set(tables)) if tables.count(table) > 1]


def every_setting_has_help_and_a_simple_default(found: Found) -> list[str]:
    wrong = [s for s in found.room.settings if not s.help or not isinstance(s.default, str | int | float | bool)]
    return [f"setting {setting.name}" for setting in wrong]


def the_room_has_a_page(found: Found) -> list[str]:
    page = ROOT / "docs" / "rooms" / f"{found.room.name}.md"
    return [] if page.is_file() else [f"docs/rooms/{found.room.name}.md is missing"]


LAWS: tuple[Callable[[Found], list[str]], ...] = (
    every_string_is_there_in_korean_and_english,
    every_route_and_command_has_a_scope_that_the_room_declares,
    every_route_is_named_once_and_starts_with_a_slash,
    the_room_says_what_it_is_for,
    every_projection_is_numbered_and_keeps_its_own_tables,
    every_setting_has_help_and_a_simple_default,
    the_room_has_a_page,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_room_keeps_the_law(law: Callable[[Found], list[str]]) -> None:
    assert [f"{found.room.name}: {fault}" for found in ours() for fault in law(found)] == []


class Ledger(msgspec.Struct):
    name: str = "ledger"
    version: int = 0
    types: frozenset[str] = frozenset()
    tables: tuple[()] = ()

    def apply(self, batch: object) -> tuple[()]:
        return ()


def lawless(folder: Path) -> Found:
    """A room that breaks every law at once."""
    (folder / "strings.ko.toml").write_text('only_ko = "하나"\ntitle = "{n}명"\n', "utf-8")
    (folder / "strings.en.toml").write_text('title = "환자"\n', "utf-8")
    route = Route("GET", "open/{id}", "everything", lambda request, hall: None)  # type: ignore[arg-type,return-value]
    twin = Route("GET", "open/{name}", "user/Patient.cruds", route.handler)
    command = Command("go", "Go.", (), "user/Observation.r", lambda hall, args, say: 0)
    room = Room(
        name="lawless",
        routes=(route, twin),
        commands=(command,),
        settings=(Setting("colour", None, ""),),
        scopes=("user/Patient.rs",),
        projections=(Ledger(),),
    )
    return Found(room, folder, "A room.")


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_notices_a_room_that_breaks_it(law: Callable[[Found], list[str]], tmp_path: Path) -> None:
    assert law(lawless(tmp_path)) != []


def test_every_folder_under_rooms_is_in_the_list_of_rooms() -> None:
    folders = {file.parent.name for file in (ROOT / "src" / "onmaru" / "rooms").glob("*/__init__.py")}
    assert folders <= set(rooms.OURS)


def some_versions(folder: Path) -> list[Version]:
    """One Synthea patient's resources created, then every seventh updated and every tenth deleted."""
    raw = gzip.decompress(sorted(folder.glob("*.json.gz"))[0].read_bytes())
    bodies = [entry["resource"] for entry in msgspec.json.decode(raw)["entry"]]
    steps: list[tuple[Op, dict[str, Any]]] = [("create", body) for body in bodies]
    steps += [("update", body) for body in bodies[::7]] + [("delete", body) for body in bodies[::10]]
    return [
        Version(t, body["resourceType"], body["id"], t, op, t, None if op == "delete" else msgspec.json.encode(body))
        for t, (op, body) in enumerate(steps, 1)
    ]


def rows_after(projection: Projection, versions: list[Version], size: int) -> dict[str, list[Row]]:
    """The rows that stand at the end: a version's rows replace those of the version before it."""
    standing: dict[str, list[Row]] = {}
    mine = [version for version in versions if version.type in projection.types]
    for start in range(0, len(mine), size):
        for version, rows in projection.apply(mine[start : start + size]):
            standing[version.name] = list(rows)
    return standing


def test_following_in_any_batch_size_gives_the_rows_of_a_rebuild(shared_data: Callable[[str], Path]) -> None:
    versions = some_versions(shared_data("fhir-synthea-r4"))
    for found in ours():
        for projection in found.room.projections:
            rebuilt = rows_after(projection, versions, len(versions))
            for size in (1, 7, 64):
                assert rows_after(projection, versions, size) == rebuilt, (
                    f"{found.room.name}: {projection.name} by {size}"
                )
            gone = [version.name for version in versions if version.op == "delete" and version.type in projection.types]
            assert [name for name in gone if rebuilt.get(name)] == []
