"""`onmaru model`: train a risk model on measured stays, judge it on others, recalibrate it to a site's own, watch it.

Its one law: whatever is made here is in shadow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from onmaru.app.house import place
from onmaru.app.lines import say
from onmaru.app.refusal import DONE, USAGE, Refusal

if TYPE_CHECKING:
    from onmaru.rooms.monitor.risk.packed import Kind
    from onmaru.rooms.monitor.risk.training import Model, Recipe

FORM = click.option("--json", is_flag=True, help="Print JSON lines; the last is the result.")
DATA = click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))

MODEL = click.option(
    "--model", "folder", type=click.Path(path_type=Path), help="The model's folder; default: the newest."
)
REPORT = click.option(
    "--report", type=click.Path(path_type=Path), help="Write what was found, for `onmaru monitor model-report`."
)


@click.group("model")
def model() -> None:
    """Risk models of the monitor, from measured stays (extra `ml`)."""


@model.command("list")
@FORM
def listing(json: bool) -> int:
    """What can be trained, and which versions are kept in this home."""
    for name, recipe in _recipes().items():
        kept = _kept(name)
        say({"model": name, "predicts": recipe.what, "versions": ", ".join(one.name for one in kept)}, json=json)
        for one in kept:
            figures = msgspec.json.decode((one / "card.json").read_bytes())
            told = figures["model"]
            say({"model": name, "version": one.name, "state": "shadow", "auroc": told["auroc"]}, json=json)
    return DONE


@model.command("train")
@click.argument("name")
@click.argument("data", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the model; default: the next version here.")
@click.option("--tenant", default="main", show_default=True, help="Whose record, of a model that learns from it.")
@FORM
def train(name: str, data: Path | None, out: Path | None, tenant: str, json: bool) -> int:
    """Train NAME on the stays in DATA, or without it on the tenant's own record, and judge it by patients kept apart."""
    recipe = _recipe(name)
    if data is None:
        return _from_record(name, out or _next(name), tenant, json=json)
    from onmaru.rooms.monitor.risk.card import card
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import opened, trained

    folder = out or _next(name)
    try:
        figures = trained(recipe, data, folder, lambda text: _tell(text, json=json))
    except Unreadable as error:
        raise Refusal(str(error)) from None
    features = len(opened(folder).kept.features)
    _carded(folder, figures, card(recipe, folder.name, figures, features))
    say({"out": str(folder), **figures}, json=json)
    return DONE


@model.command("validate")
@click.argument("name")
@DATA
@MODEL
@REPORT
@FORM
def validate(name: str, data: Path, folder: Path | None, report: Path | None, json: bool) -> int:
    """Judge the newest NAME on the stays in DATA, which it must never have seen; nothing is fitted."""
    recipe, found = _opened(name, folder)
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import validated

    try:
        figures = validated(recipe, found, data)
    except Unreadable as error:
        raise Refusal(str(error)) from None
    _reported(report, "back-test", name, folder or _kept(name)[-1], figures)
    say({"model": name, **figures}, json=json)
    return DONE


@model.command("recalibrate")
@click.argument("name")
@DATA
@MODEL
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the new version; default: the next one here.")
@FORM
def recalibrate(name: str, data: Path, folder: Path | None, out: Path | None, json: bool) -> int:
    """Fit intercept and slope of NAME to a site's own stays in DATA; kept as a new version, told before and after."""
    recipe, _ = _opened(name, folder)
    from onmaru.rooms.monitor.risk import recalibration
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import opened

    kept = out or _next(name)
    try:
        figures = recalibration.recalibrated(recipe, folder or _kept(name)[-1], data, kept)
    except Unreadable as error:
        raise Refusal(str(error)) from None
    features = len(opened(kept).kept.features)
    _carded(kept, figures, recalibration.card(recipe, kept.name, figures, features))
    told = ("recalibrated from", "slope", "intercept", "before", "after")
    say({"out": str(kept), **(figures if json else {one: figures[one] for one in told})}, json=json)
    return DONE


@model.command("watch")
@click.argument("name")
@DATA
@MODEL
@REPORT
@FORM
def watch(name: str, data: Path, folder: Path | None, report: Path | None, json: bool) -> int:
    """Tell how far the stays in DATA are from those NAME learnt from, and what happened beside what it expected."""
    recipe, found = _opened(name, folder)
    from onmaru.rooms.monitor.risk import drift, recalibration
    from onmaru.rooms.monitor.risk.stays import Unreadable, dated

    try:
        cohort = dated(recipe.read(data), data)
        rows = recalibration.matched(found, cohort, data)
        told = drift.watched(drift.opened(folder or _kept(name)[-1]), cohort, rows, found.probability(rows.x))
    except Unreadable as error:
        raise Refusal(str(error)) from None
    _reported(report, "watch", name, folder or _kept(name)[-1], told)
    if json:
        say({"model": name, **told}, json=True)
        return DONE
    for line in [*(one for one in told["inputs"] if one["drifted"]), *told["outcome"]]:
        say(line, json=False)
    say(
        {"features that drifted": len(told["drifted"]["features"]), **told["drifted"], "stays": told["stays"]},
        json=False,
    )
    return DONE


@model.command("explain")
@click.argument("name")
@DATA
@click.argument("stay")
@MODEL
@FORM
def explain(name: str, data: Path, stay: str, folder: Path | None, json: bool) -> int:
    """Tell the risk of one STAY in DATA with its interval and what weighed most. Research only: a draft for no patient."""
    recipe, found = _opened(name, folder)
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import explained

    try:
        told = explained(recipe, found, data, stay)
    except Unreadable as error:
        raise Refusal(str(error)) from None
    for line in told:
        reasons = {one["feature"]: one for one in line.pop("reasons")}
        plain = {name: f"{one['value']} ({one['log odds']:+})" for name, one in reasons.items()}
        say({**line, "reasons": [*reasons.values()] if json else plain}, json=json)
    return DONE


def _from_record(name: str, out: Path, tenant: str, *, json: bool) -> int:
    """A model that learns from the record is trained by the room, in whichever process has the record open."""
    from onmaru.app import cli
    from onmaru.rooms.monitor.risk.training import recorded

    if _recipe(name).read is not recorded:
        raise Refusal(f"{name} learns from a folder of stays: onmaru model train {name} DATA", USAGE)
    asked = ["monitor", "model-train", str(out), "--tenant", tenant, *(["--json"] if json else [])]
    return cli.run(asked)


def _tell(text: str, *, json: bool) -> None:
    if not json:
        click.echo(text, err=True)


def _recipes() -> Mapping[str, Recipe]:
    try:
        from onmaru.rooms.monitor.risk.training import RECIPES
    except ImportError as error:
        raise Refusal(f"models need onmaru[ml]: {error.name} is not installed") from None
    return RECIPES


def _recipe(name: str) -> Recipe:
    found = _recipes()
    if name not in found:
        raise Refusal(f"there is no model {name}; there are: {', '.join(found)}", USAGE)
    return found[name]


def _opened(name: str, folder: Path | None) -> tuple[Recipe, Model]:
    """The recipe, and the model in a folder or the newest that is kept here."""
    recipe = _recipe(name)
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import opened

    kept = _kept(name)
    if folder is None and not kept:
        raise Refusal(f"no version of {name} is kept here; `onmaru model train {name} DATA` makes one")
    try:
        found = opened(folder or kept[-1])
    except Unreadable as error:
        raise Refusal(str(error)) from None
    if found.kept.recipe != name:
        raise Refusal(f"that folder holds {found.kept.recipe}, not {name}")
    return recipe, found


def _carded(folder: Path, figures: Mapping[str, Any], text: str) -> None:
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    (folder / "card.md").write_text(text, "utf-8")


def _reported(file: Path | None, kind: Kind, name: str, folder: Path, figures: Mapping[str, Any]) -> None:
    """Write a report that names the very model which was judged."""
    if file is not None:
        from onmaru.rooms.monitor.risk.packed import Report, digest

        found = Report(kind, name, folder.name, digest(folder), dict(figures))
        file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def _next(name: str) -> Path:
    """The folder of the next version here."""
    taken = [int(one.name) for one in _kept(name) if one.name.isdecimal()]
    return _home(name) / str(max(taken, default=0) + 1)


def _home(name: str) -> Path:
    return place(os.environ).home / "models" / name


def _kept(name: str) -> list[Path]:
    """The versions in this home, oldest first."""
    folder = _home(name)
    there = [one for one in folder.iterdir() if (one / "card.json").is_file()] if folder.is_dir() else []
    return sorted(there, key=lambda one: (len(one.name), one.name))
