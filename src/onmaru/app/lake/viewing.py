"""`onmaru lake view`: a ViewDefinition over the resource tables, as a file for one caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.outcome import invalid
from onmaru.fhir.views import ViewDefinition, parse
from onmaru.kernel.room import Hall
from onmaru.kernel.tabular import MEDIA, written
from onmaru.kernel.views import MOST, Narrowed, over_lake

DONE = 0


def view(hall: Hall, args: Mapping[str, str], say: Callable[[Mapping[str, Any]], None]) -> int:
    """Write the rows to a new file, whole or not at all; the last line tells how many, and the position."""
    path = Path(args["output"]).expanduser()
    form = path.suffix.removeprefix(".")
    if form not in MEDIA:
        raise invalid("value", f"the file's name ends with one of {', '.join(f'.{one}' for one in MEDIA)}", "output")
    if path.exists():
        raise invalid("conflict", "is there already", "output", 409)
    begun = over_lake(hall.lake, _definition(Path(args["file"]).expanduser()), Narrowed(limit=_limit(args)))
    table, t = begun()
    scratch = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    scratch.write_bytes(written(table, form))
    scratch.chmod(0o600)
    scratch.rename(path)
    for warning in begun.compiled.warnings:
        say({"warning": warning})
    say({"rows": table.num_rows, "columns": len(begun.compiled.columns), "t": t})
    return DONE


def _limit(args: Mapping[str, str]) -> int:
    text = args.get("limit", "") or str(MOST)
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise invalid("value", "a whole number from 1", "limit")
    return min(int(text), MOST)


def _definition(path: Path) -> ViewDefinition:
    try:
        return parse(read(path.read_bytes()))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "is not JSON", "file") from None
    except OSError:
        raise invalid("not-found", "cannot be read", "file", 404) from None
