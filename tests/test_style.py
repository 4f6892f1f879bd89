"""The house's manners that no linter knows: short files, names that say something, and nothing of one machine's."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "service", "services", "base", "common", "misc", "stuff"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".ts", ".tsx", ".css", ".html", ".json", ".sh", ".sql", ""}

# Written in two halves, so that this file does not name them itself.
OF_ONE_MACHINE = [
    re.compile(first + second)
    for first, second in (
        (r"(?<![\w.])/wo", r"rk/"),
        (r"(?<![\w.~])/ro", r"ot/"),
        (r"(?<![\w.~])/ho", r"me/(?!you|user)[a-z]"),
        (r"/Us", r"ers/[a-z]"),
        (r"/tmp/ba", r"sh_jobs"),
        (r"/opt/py", r"pi"),
        (r"/opt/whe", r"els"),
        (r"local", r"host:\d{4,5}/simple"),
    )
]


def tracked() -> list[Path]:
    """The files of the checkout that git knows or would add."""
    argv = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(argv, check=True, capture_output=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def code(suffixes: set[str]) -> list[Path]:
    return [file for file in tracked() if file.suffix in suffixes]


def short(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_no_file_of_code_is_longer_than_four_hundred_lines() -> None:
    long = {short(f): n for f in code({".py", ".ts", ".tsx"}) if (n := len(f.read_text("utf-8").splitlines())) > 400}
    assert long == {}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    named = [
        short(f)
        for f in code({".py", ".ts", ".tsx"})
        if FORBIDDEN & {p.split(".")[0] for p in f.relative_to(ROOT).parts}
    ]
    assert named == []


def test_every_silenced_type_check_has_its_reason() -> None:
    ignored = re.compile(r"# type: ignore\[[a-z-]+(, [a-z-]+)*\](?!  # \S)")
    found = [
        f"{short(f)}:{number}"
        for f in code({".py"})
        if short(f).startswith("src/")
        for number, line in enumerate(f.read_text("utf-8").splitlines(), 1)
        if ignored.search(line)
    ]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    begun = re.compile(r'(#.*\n|\s)*r?"""\s*[^\s"]')
    silent = [short(f) for f in code({".py"}) if not begun.match(f.read_text("utf-8"))]
    assert silent == []


def test_nothing_committed_names_a_machine_or_its_registry() -> None:
    found = []
    for file in tracked():
        if file.suffix in TEXT and file.stat().st_size < 2_000_000:
            text = file.read_text("utf-8", errors="replace")
            found += [f"{short(file)}: {hit.group()}" for pattern in OF_ONE_MACHINE for hit in pattern.finditer(text)]
    assert found == []


def test_nothing_committed_is_larger_than_one_megabyte() -> None:
    assert [short(f) for f in tracked() if f.stat().st_size > 1_000_000] == []


def test_no_print_is_allowed_outside_tools_and_benchmarks() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "T20" in lint["select"] and "T20" not in lint["ignore"]
    allowed = {folder for folder, rules in lint["per-file-ignores"].items() if "T20" in rules}
    assert allowed <= {"bench/**", "tools/**"}


def test_the_package_locks_of_the_interface_name_only_the_public_registry() -> None:
    for lock in (file for file in tracked() if file.name == "package-lock.json"):
        hosts = set(re.findall(r'"resolved": "(https?://[^/]+)/', lock.read_text("utf-8")))
        assert hosts <= {"https://registry.npmjs.org"}
