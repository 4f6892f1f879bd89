"""What a command prints: results on stdout, one line each; with --json each line is JSON and the last is the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import msgspec


def say(line: Mapping[str, Any], *, json: bool) -> None:
    """Print one result: a JSON object, or `name value` pairs for a reader."""
    click.echo(msgspec.json.encode(line).decode() if json else plain(line))


def plain(line: Mapping[str, Any]) -> str:
    """`name value  name value`; a mapping inside follows on lines of its own, a single `text` stands alone."""
    if tuple(line) == ("text",):
        return str(line["text"])
    flat = {name: value for name, value in line.items() if not isinstance(value, Mapping)}
    rows = ["  ".join(f"{name} {_shown(value)}" for name, value in flat.items())] if flat else []
    for name, inner in line.items():
        if isinstance(inner, Mapping):
            rows += [f"{name}:", *(f"  {key}  {_shown(value)}" for key, value in inner.items())]
    return "\n".join(rows)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
