"""`onmaru monitor model-…`: a kept model into the tenant's registry, and reports of `onmaru model` beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.monitor.models.entry import CARD, FIGURES, entry_id, library, packing, step

if TYPE_CHECKING:
    from onmaru.rooms.monitor.risk.packed import Kind
    from onmaru.rooms.monitor.risk.stays import Cohort

T = TypeVar("T")
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
    body = library(kept.recipe, version, digest, title, ((CARD, card), (FIGURES, figures)))
    bodies = (packing(body["id"], digest, pack), body)
    written = hall.record.write([Change("update", "Library", one["id"], msgspec.json.encode(one)) for one in bodies])
    say({"model": body["id"], "state": "shadow", "digest": digest, "position": written[-1].version.t})
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
    written = hall.record.write([Change("create", "Task", body=msgspec.json.encode(body))])
    say({"kept": written[0].version.id, "kind": found.kind, "model": id, "position": written[0].version.t})
    return 0


def train(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Train deterioration-24h on the stays in this record; the folder's name is the version."""
    from onmaru.rooms.monitor.models.history import cohort
    from onmaru.rooms.monitor.risk.card import card
    from onmaru.rooms.monitor.risk.training import RECIPES, opened, trained

    folder, recipe = Path(args["dir"]), RECIPES["deterioration-24h"]
    if not _NAME.fullmatch(folder.name) or folder.exists():
        raise invalid("value", "a folder that is not there, whose name is the version", "dir", 422)
    found = _some(cohort(hall, _now(), args.get("since", ""), args.get("until", "")))
    figures = _readable(
        lambda: trained(
            recipe._replace(read=lambda _: found), Path("the record"), folder, lambda text: say({"doing": text})
        )
    )
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    features = len(opened(folder).kept.features)
    (folder / "card.md").write_text(card(recipe, folder.name, figures, features), "utf-8")
    say({"out": str(folder), **figures})
    return 0


def judge(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Judge a kept deterioration-24h on stays in this record that it never saw; the report goes to a file."""
    from onmaru.rooms.monitor.models.history import cohort
    from onmaru.rooms.monitor.risk import drift
    from onmaru.rooms.monitor.risk.packed import Report, digest
    from onmaru.rooms.monitor.risk.recalibration import matched
    from onmaru.rooms.monitor.risk.training import RECIPES, opened, validated

    folder, asked = Path(args["dir"]), args.get("kind", "back-test")
    kind: Kind = "watch" if asked == "watch" else "back-test"
    model, recipe = _readable(lambda: opened(folder)), RECIPES["deterioration-24h"]
    if model.kept.recipe != recipe.name or asked != kind:
        raise invalid("value", "a kept deterioration-24h, and back-test or watch", "dir", 422)
    found = _some(cohort(hall, _now(), args.get("since", ""), args.get("until", "")))
    if kind == "watch":
        rows = _readable(lambda: matched(model, found, folder))
        figures = dict(drift.watched(_readable(lambda: drift.opened(folder)), found, rows, model.probability(rows.x)))
    else:
        figures = _readable(lambda: validated(recipe._replace(read=lambda _: found), model, folder))
    report = Report(kind, recipe.name, folder.name, digest(folder), figures)
    Path(args["file"]).write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    say({"report": args["file"], **figures})
    return 0


def _readable(call: Callable[[], T]) -> T:
    """What a call gives; `Invalid` 422 with its words where stays or models cannot be used."""
    from onmaru.rooms.monitor.risk.stays import Unreadable

    try:
        return call()
    except Unreadable as error:
        raise invalid("value", str(error), status=422) from None


def _some(found: Cohort) -> Cohort:
    if not found.stays:
        raise invalid("not-found", "the record has no such stay", status=422)
    return found


def _now() -> int:
    return time.time_ns() // 1000


SPAN = (("--since", "admitted from this day on, YYYY-MM-DD"), ("--until", "admitted before this day, YYYY-MM-DD"))
COMMANDS = (
    Command(
        "model-train", "Train deterioration-24h on the stays in this record.",
        (("dir", "a new folder, named as the version"), *SPAN), "user/*.rs", train,
    ),
    Command(
        "model-judge", "Judge a kept deterioration-24h on the stays in this record and write a report.",
        (("dir", "the version's folder"), ("file", "where the report goes"), ("--kind", "back-test or watch"), *SPAN),
        "user/*.rs", judge,
    ),
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
