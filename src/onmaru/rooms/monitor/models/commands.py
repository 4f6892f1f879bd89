"""`onmaru monitor model-…`: a kept model into the tenant's registry, and reports of `onmaru model` beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.monitor.models.entry import CARD, FIGURES, PACK, entry_id, library, step

Say = Callable[[Mapping[str, Any]], None]
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
WORDS = 500


def register(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Take a kept model into this tenant's registry, in shadow."""
    from onmaru.rooms.monitor.risk import packed
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import RECIPES, opened

    folder = Path(args["dir"])
    try:
        kept = opened(folder).kept
        digest, pack = packed.digest(folder), packed.packed(folder)
        card, figures = (folder / "card.md").read_bytes(), (folder / "card.json").read_bytes()
    except (Unreadable, OSError):
        raise invalid("value", "no kept model with its card lies there", "dir", 422) from None
    version = folder.name
    if not _NAME.fullmatch(version):
        raise invalid("value", "the folder's name is the version: letters, digits and hyphens", "dir", 422)
    title = RECIPES[kept.recipe].what if kept.recipe in RECIPES else kept.recipe
    body = library(kept.recipe, version, digest, title, ((PACK, pack), (CARD, card), (FIGURES, figures)))
    written = hall.record.write([Change("update", "Library", body["id"], msgspec.json.encode(body))])
    say({"model": body["id"], "state": "shadow", "digest": digest, "position": written[0].version.t})
    return 0


def report(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Keep a report of `onmaru model validate` or `watch` beside the model that it is of."""
    from onmaru.rooms.monitor.risk.packed import Report

    try:
        found = msgspec.json.decode(Path(args["file"]).read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        raise invalid("value", "not a report of onmaru model", "file", 422) from None
    said = " ".join(args["stays"].split())
    if not 0 < len(said) <= WORDS or not said.isprintable():
        raise invalid("value", f"which stays they were, in 1 to {WORDS} characters", "stays", 422)
    id, at = entry_id(found.model, found.version), time.time_ns() // 1000
    body = step(found.kind, id, hall.caller.user, at, digest=found.digest, figures=found.figures, reason=said)
    written = hall.record.write([Change("update", "Task", body["id"], msgspec.json.encode(body), absent=True)])
    say({"kept": body["id"], "kind": found.kind, "model": id, "position": written[0].version.t})
    return 0


COMMANDS = (
    Command(
        "model-register", "Take a kept model into this tenant's registry, in shadow.",
        (("dir", "the version's folder"),), "user/Library.cu", register,
    ),
    Command(
        "model-report", "Keep a back-test or watch report beside the model that it is of.",
        (("file", "what --report wrote"), ("stays", "which stays they were, in words")), "user/Task.cu", report,
    ),
)  # fmt: skip
SCOPES = ("user/Library.cruds",)
