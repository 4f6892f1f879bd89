"""The bill of materials names everything, and advisories are compared as OSV and pip-audit mean them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from onmaru.app import sbom
from onmaru.app.refusal import Refusal
from onmaru.app.sbom import Component

PARTS = (
    Component("npm", "@scope/page", "1.2.3", "MIT"),
    Component("pypi", "granian", "2.5.0", "BSD-3-Clause"),
    Component("pypi", "ruamel-yaml", "0.17.21", ""),
)


def said(tmp_path: Path, *told: Any) -> list[tuple[str, str]]:
    file = tmp_path / "told.json"
    file.write_text(json.dumps(told[0] if len(told) == 1 else list(told)), "utf-8")
    return [(one.id, one.name) for one in sbom.findings(file, PARTS)]


def osv(id: str, name: str, *events: dict[str, str], ecosystem: str = "PyPI", **more: Any) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    return {"id": id, "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges, **more}]}


@pytest.mark.parametrize(
    ("events", "speaks"),
    [
        ([{"introduced": "0"}, {"fixed": "2.5.1"}], True),
        ([{"introduced": "0"}, {"fixed": "2.5.0"}], False),
        ([{"introduced": "2.6"}], False),
        ([{"introduced": "0"}, {"last_affected": "2.5.0"}], True),
        ([{"introduced": "0"}, {"last_affected": "2.4"}], False),
        ([{"introduced": "2.0"}, {"fixed": "2.1"}, {"introduced": "2.5.0"}], True),
        ([{"introduced": "2.5.0"}, {"introduced": "0"}, {"fixed": "2.4"}], True),
        ([{"introduced": "2.5.0rc1"}, {"fixed": "2.5.0"}], False),
        ([{"introduced": "not a version"}], True),
    ],
)
def test_a_range_is_read_as_osv_means_it(tmp_path: Path, events: list[dict[str, str]], speaks: bool) -> None:
    assert bool(said(tmp_path, osv("X-1", "granian", *events))) is speaks


def test_names_ecosystems_versions_and_withdrawals_count(tmp_path: Path) -> None:
    zero = {"introduced": "0"}
    assert said(tmp_path, osv("A", "Ruamel.YAML", zero), osv("B", "granian", zero, ecosystem="npm")) == [
        ("A", "ruamel-yaml")
    ]
    assert said(tmp_path, osv("C", "@scope/page", zero, ecosystem="npm")) == [("C", "@scope/page")]
    assert said(tmp_path, osv("D", "granian", versions=["2.5.0"])) == [("D", "granian")]
    assert said(tmp_path, osv("E", "granian", versions=["2.4.0"])) == []
    assert said(tmp_path, osv("F", "granian")) == [("F", "granian")]  # of every version
    assert said(tmp_path, {**osv("G", "granian", zero), "withdrawn": "2026-01-01T00:00:00Z"}) == []


def test_the_form_of_pip_audit_is_read_too(tmp_path: Path) -> None:
    vulns = [{"id": "PYSEC-1", "fix_versions": ["2.6"]}]
    told = {
        "dependencies": [{"name": "Granian", "version": "2.5.0", "vulns": vulns}, {"name": "granian", "version": "1"}]
    }
    assert said(tmp_path, told) == [("PYSEC-1", "granian")]


@pytest.mark.parametrize("text", ["nonsense", '"text"', "[1]", '{"a": 1}', "{"])
def test_what_is_no_list_of_advisories_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, "utf-8")
    with pytest.raises(Refusal):
        list(sbom.findings(file, PARTS))


@pytest.mark.parametrize("hostile", [{"affected": 7}, {"affected": [{"ranges": 7}]}, {"affected": ["x"]}])
def test_a_strange_advisory_breaks_nothing(tmp_path: Path, hostile: dict[str, Any]) -> None:
    assert said(tmp_path, {"id": "X", **hostile}) == []


def test_the_bill_names_what_is_installed_with_licences_and_no_tool_of_ours() -> None:
    parts = {one.name: one for one in sbom.installed()}
    assert {"apsw-sqlite3mc", "cryptography", "granian", "cffi"} <= set(parts)
    assert "pytest" not in parts and "ruff" not in parts
    assert "Apache" in parts["cryptography"].licence
    made = sbom.document(sorted(parts.values()))
    assert made == sbom.document(sorted(parts.values()))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    assert all(row["purl"].startswith("pkg:pypi/") and row["version"] for row in made["components"])
    assert len({row["bom-ref"] for row in made["components"]}) == len(made["components"])


def test_a_finding_is_exit_status_one(tmp_path: Path) -> None:
    file = tmp_path / "told.json"
    for name, status in (("granian", 1), ("nothing-of-ours", 0)):
        file.write_text(json.dumps(osv("X-1", name, {"introduced": "0"})), "utf-8")
        done = CliRunner().invoke(sbom.sbom, ["--advisories", str(file), "--json"], standalone_mode=False)
        assert (done.return_value or 0) == status and json.loads(done.stdout.splitlines()[-1])["findings"] == status
