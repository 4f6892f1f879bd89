"""`onmaru views`: a ViewDefinition on resources in files, its SQL, and the published suite's cases on an engine."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.app.refusal import DONE, NO, REFUSED, Refusal
from onmaru.app.views.conformance import Case, Unfit, files, judge, report
from onmaru.app.views.runners import ENGINES, TABLE, Refused, Runner, prepared
from onmaru.fhir.columnar import read
from onmaru.fhir.columnar import table as empty
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.views import DIALECTS, ViewDefinition, compile, parse
from onmaru.kernel.tabular import MEDIA, written

_engine = click.option(
    "--engine", type=click.Choice(sorted(ENGINES)), default="duckdb", show_default=True, help="What runs the views."
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


@click.group()
def views() -> None:
    """Run ViewDefinitions (SQL on FHIR) on files, and the suite that judges who runs them."""


@views.command("run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("data", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sql", is_flag=True, help="Print the SQL instead of the rows.")
@click.option(
    "--format", "form", type=click.Choice(sorted(MEDIA)), default="ndjson", show_default=True, help="Of the rows."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows to this file.")
@_engine
def run_view(file: Path, data: tuple[Path, ...], sql: bool, form: str, output: Path | None, engine: str) -> None:
    """Run the ViewDefinition in FILE on the resources in DATA: JSON, Bundles or NDJSON, also gzipped."""
    view = _definition(file)
    if sql and not data:
        click.echo(_compiled(view, engine))
        return
    resources = [one for path in data for one in _resources(path)]
    runner = ENGINES[engine]()
    try:
        compiled, table = prepared(runner, view, resources)
        rows = None if sql else runner.rows(compiled.sql, table)
    except Refused as error:
        raise Refusal(error.said(compiled.messages), REFUSED) from None
    except (Invalid, ValueError) as error:
        raise Refusal(str(error), REFUSED) from None
    finally:
        runner.close()
    for warning in compiled.warnings:
        click.echo(f"warning: {warning}", err=True)
    if rows is None:
        click.echo(compiled.sql)
        return
    raw = written(rows, form)
    if output is None:
        sys.stdout.buffer.write(raw)
    else:
        output.write_bytes(raw)


def _definition(file: Path) -> ViewDefinition:
    try:
        return parse(read(file.read_bytes()))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(f"{file.name} is not JSON", REFUSED) from None
    except Invalid as error:
        raise Refusal(str(error), REFUSED) from None


def _compiled(view: ViewDefinition, engine: str) -> str:
    try:
        return compile(view, empty(view.resource), DIALECTS[engine], TABLE).sql
    except Invalid as error:
        raise Refusal(str(error), REFUSED) from None


def _resources(path: Path) -> Iterator[dict[str, Any]]:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    try:
        found = [read(raw)]
    except msgspec.DecodeError:
        try:
            found = [read(line) for line in raw.splitlines() if line.strip()]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refusal(f"{path.name} is neither JSON nor NDJSON", REFUSED) from None
    for one in found:
        for held in one if isinstance(one, list) else [one]:
            if isinstance(held, dict) and held.get("resourceType") == "Bundle":
                yield from (e["resource"] for e in held.get("entry") or () if isinstance(e.get("resource"), dict))
            elif isinstance(held, dict):
                yield held


@views.command("conformance")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_engine
@click.option("--json", is_flag=True, help="Print JSON; the last line is the result.")
@click.option(
    "--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the suite's own report."
)
def conformance(folder: Path, engine: str, json: bool, report_file: Path | None) -> int:
    """Run the cases in FOLDER: files of the SQL on FHIR suite, each with resources, views and the rows they must give."""
    found: list[Case] = []
    runner: Runner = ENGINES[engine]()
    try:
        for file in files(folder):
            found += _judged(runner, file)
    finally:
        runner.close()
    failed = [case for case in found if case.reason]
    for case in failed:
        click.echo(f"{case.group}: {case.title}: {case.reason}", err=True)
    if report_file is not None:
        report_file.write_bytes(msgspec.json.format(_encode(report(found))))
    failures = [{"file": case.file, "test": case.title, "reason": case.reason} for case in failed]
    result = {"passed": len(found) - len(failed), "failed": len(failed), "failures": failures}
    click.echo(
        _encode(result).decode() if json else f"{result['passed']} passed, {result['failed']} failed on {engine}"
    )
    return NO if failed or not found else DONE


def _judged(runner: Runner, file: Path) -> list[Case]:
    try:
        return list(judge(runner, file))
    except Unfit as error:
        click.echo(f"skipped: {error}", err=True)
        return []
