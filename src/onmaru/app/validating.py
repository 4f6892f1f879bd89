"""`onmaru validate`: FHIR resources in files against R4's rules and profiles; it touches no record but for definitions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import click
import msgspec

from onmaru.app.lines import say
from onmaru.app.packages import record_of
from onmaru.app.refusal import DONE, NO
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.profiles import package
from onmaru.fhir.profiles.definition import canonical_of
from onmaru.fhir.profiles.library import KINDS, Library
from onmaru.fhir.profiles.validator import Wanted, validated
from onmaru.fhir.query import Query
from onmaru.kernel.packages import MANY

_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_RANK = {"error": 0, "fatal": 0, "warning": 1, "information": 2}


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=_file)
@click.option("--profile", "profiles", multiple=True, help="The canonical of a profile to meet. May be given again.")
@click.option("--package", "packages", multiple=True, type=_file, help="A .tgz to go by, installed or not.")
@click.option("--tenant", default="", help="Go by the packages that this tenant has installed.")
@click.option("--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the messages.")
@click.option("--errors", is_flag=True, help="Show errors only, no warnings or notes.")
@click.option("--json", is_flag=True, help="Print JSON, one line a file.")
def validate(  # noqa: PLR0913 - click hands over each option as an argument
    files: tuple[Path, ...],
    profiles: tuple[str, ...],
    packages: tuple[Path, ...],
    tenant: str,
    language: Literal["en", "ko"],
    errors: bool,
    json: bool,
) -> int:
    """Validate the FHIR resource in each FILE (JSON, `-` for standard input): R4's own rules and the profiles it names.

    The exit status is 1 when one of them has an error.
    """
    library = Library({**(_installed(tenant) if tenant else {}), **_added(packages)})
    wanted = Wanted(profiles=profiles, now=datetime.now().astimezone(), language=language)
    status: int = DONE
    for file in files:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        try:
            found = validated(raw, library, wanted)
        except Invalid as error:
            found = list(error.issues)
        broken = sum(1 for issue in found if _RANK[issue.severity] == 0)
        status = NO if broken else status
        shown = sorted((one for one in found if not errors or _RANK[one.severity] == 0), key=_rank)
        if json:
            say({"file": str(file), "errors": broken, "issues": msgspec.to_builtins(shown)}, json=True)
        else:
            for line in _lines(file, shown, broken):
                click.echo(line)
    return status


def _rank(issue: Issue) -> int:
    return _RANK[issue.severity]


def _lines(file: Path, shown: list[Issue], broken: int) -> Iterator[str]:
    yield f"{file}: {f'{broken} errors' if broken else 'valid'}"
    for issue in shown:
        yield f"  {issue.severity:<11} {issue.expression or '-'}: {issue.text}"


def _added(packages: tuple[Path, ...]) -> dict[tuple[str, str], bytes]:
    return {(one.type, one.url): one.body for file in packages for one in package.read(file.read_bytes()).members}


def _installed(tenant: str) -> dict[tuple[str, str], bytes]:
    """The definitions in a tenant's record, of a running server where one holds it."""
    with record_of(tenant) as record:
        found = record.search(Query(KINDS, count=MANY)).matches
    return {(one.type, url): one.body for one in found if one.body is not None and (url := canonical_of(one.body))}
