"""The documents are true: what the code offers has a heading, links lead somewhere, and both languages are there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from onmaru.app import cli, reference, settings
from onmaru.app import docs as site
from onmaru.app.rooms import all_rooms

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
DECISION_HEADINGS = ["Situation", "Choice", "What it costs", "When to look again"]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def headings(page: Path) -> list[str]:
    without_code = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ +(.+?) *$", without_code, re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor that the site and code hosts give a heading."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower(), flags=re.UNICODE)
    return re.sub(r"\s", "-", kept.strip())


def walk(command: click.Command, path: str) -> list[str]:
    inner = command.commands.items() if isinstance(command, click.Group) else ()
    return [path, *(deeper for name, child in inner for deeper in walk(child, f"{path} {name}"))]


@pytest.mark.parametrize("page", reference.pages())
def test_a_generated_page_tells_what_the_code_says(page: str) -> None:
    assert (DOCS / page).read_text("utf-8") == reference.pages()[page], "run ./onmaru docs reference"


def test_every_setting_has_a_heading() -> None:
    assert {setting.name for setting in settings.SETTINGS} <= set(headings(DOCS / "operate" / "settings.md"))


def test_every_command_has_a_heading() -> None:
    context = click.Context(cli.tree, info_name="onmaru")
    commands = {name: cli.tree.get_command(context, name) for name in cli.COMMANDS}
    wanted = {path for name, command in commands.items() if command for path in walk(command, f"onmaru {name}")}
    assert wanted <= set(headings(DOCS / "operate" / "commands.md"))


def test_every_rooms_page_has_a_heading_for_each_route_command_and_setting() -> None:
    missing = []
    for room in all_rooms():
        page = DOCS / "rooms" / f"{room.name}.md"
        found = {heading.replace("`", "") for heading in headings(page)} if page.is_file() else set()
        wanted = {f"{route.method} {route.path}" for route in room.routes}
        wanted |= {f"onmaru {room.name} {command.name}" for command in room.commands}
        wanted |= {setting.name for setting in room.settings}
        missing += [f"docs/rooms/{room.name}.md: {heading}" for heading in sorted(wanted - found)]
    assert missing == []


def test_the_first_decisions_are_there() -> None:
    assert len(DECISIONS) >= 7


@pytest.mark.parametrize("decision", DECISIONS, ids=name)
def test_a_decision_is_short_and_has_its_four_headings(decision: Path) -> None:
    assert len(decision.read_text("utf-8").splitlines()) <= 40
    assert headings(decision)[1:] == DECISION_HEADINGS


def test_no_two_decisions_have_one_number() -> None:
    numbers = [decision.name[:4] for decision in DECISIONS]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in map(slug, headings(file))):
            lost.append(target)
    assert lost == []


def glossary() -> list[list[str]]:
    lines = (ROOT / "GLOSSARY.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def test_every_word_of_the_glossary_is_explained_in_english_and_korean() -> None:
    rows = glossary()
    assert len(rows) >= 40
    assert [row for row in rows if len(row) != 3 or not all(row)] == []
    assert [row[0] for row in rows if not re.search("[가-힣]", row[2]) or not re.search("[a-z]", row[1])] == []


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    words = [row[0].lower() for row in glossary()]
    assert words == sorted(set(words))


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_readme_names_the_two_commands(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    assert "./onmaru demo" in text and "./onmaru test" in text and "Apache" in text


def test_the_site_is_refused_where_a_link_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text((ROOT / "mkdocs.yml").read_text("utf-8"), "utf-8")
    (tmp_path / "docs" / "index.md").write_text("# Here\n\n[there](there.md)\n", "utf-8")
    monkeypatch.setattr(site, "root", lambda: tmp_path)
    assert cli.run(["build", "--quiet"], site.docs) == 1
    (tmp_path / "docs" / "there.md").write_text("# There\n", "utf-8")
    assert cli.run(["build", "--quiet"], site.docs) == 0
