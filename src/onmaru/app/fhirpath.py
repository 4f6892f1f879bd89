"""`onmaru fhirpath`: an expression on a resource in a JSON or XML file; it touches no record."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.app.refusal import REFUSED, Refusal
from onmaru.fhir.fhirpath import Environment, Node, PathError, checked, compiled, read, root
from onmaru.fhir.fhirpath.results import encode, line, plain_json, type_name
from onmaru.fhir.fhirpath.run import Run
from onmaru.fhir.syntax import check_depth
from onmaru.fhir.xml_form import to_json


@click.command()
@click.argument("expression")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--json", is_flag=True, help="Print one line of JSON: results with type, path and value, and traces.")
@click.option("--strict", is_flag=True, help="Refuse what is certainly wrong before looking at the data.")
def fhirpath(expression: str, file: Path, json: bool, strict: bool) -> None:
    """Evaluate EXPRESSION on the resource in FILE (JSON or XML, `-` for standard input)."""
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    node = resource(raw)
    run = Run([node], Environment(now=datetime.now().astimezone()))
    try:
        ready = checked(expression, node.type) if strict else compiled(expression)
        found = ready.within(run)
    except PathError as error:
        raise Refusal(f"{error.kind}: {error}", REFUSED) from None
    if json:
        traces = [{"name": name, "values": [plain_json(one) for one in items]} for name, items in run.traces]
        click.echo(encode({"results": [shown(item) for item in found], "traces": traces}).decode())
        return
    for name, items in run.traces:
        click.echo(f"{name}: {', '.join(map(line, items))}", err=True)
    for item in found:
        click.echo(line(item))


def shown(item: Any) -> dict[str, Any]:
    """Type, value and, for an element of the resource, its path."""
    found: dict[str, Any] = {"type": type_name(item), "value": plain_json(item)}
    return {**found, "path": item.path} if isinstance(item, Node) else found


def resource(raw: bytes) -> Node:
    """The node of a resource in either form. Raises Refusal for what is neither."""
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return root(to_json(raw))
    check_depth(raw)
    try:
        return root(read(raw.removeprefix(b"\xef\xbb\xbf")))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal("the file is neither JSON nor XML", REFUSED) from None
