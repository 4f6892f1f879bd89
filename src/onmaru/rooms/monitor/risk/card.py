"""A model's card: what it is for, from whom it learnt, how it was judged and where it must not be used.

The headings are those of TRIPOD+AI (Collins 2024, BMJ 385:e078378); what nobody knows is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onmaru.rooms.monitor.risk.training import BAGS, FOLDS, Recipe

FORM = """# Model card: {name}, version {version}

State when this card was written: **shadow**. It raises no alert. A named clinician's approval and the site's own back-test
stand before any other state; a site's registry says where it stands there now.

## Title and intended use

{what}. For research and for a hospital's own back-testing.

**Not for**: {unfit}.

## Source of data and participants

{stays} stays, {labelled} of them with the label, from the data that were given; {unlabelled} without an outcome were left
out. One hospital system's data: nothing is known of others until `onmaru model validate` was run there.

## Outcome

{outcome}.

## Predictors

{features} features of vital signs, laboratory values and demographics known by the time of judgement, none from later.
Missing values stay missing. The most telling by share of gain: {telling}.

## Missing data

No value is imputed. How long ago and how often each was measured are features, so the model also learns from what staff
chose to measure; this is known to travel badly between hospitals.

## Analysis

Gradient boosted trees (LightGBM), fixed seed. Judged by {folds}-fold cross-validation by patient; each fold's
calibration comes from the other folds. Intervals by bootstrap over patients. The interval of one patient's risk is that
of {bags} models of the same patients drawn anew.

## Performance

| figure | model | NEWS2-type |
|---|---|---|
{figures}

Calibration slope {slope}, intercept {intercept}; predicted {predicted}, observed {observed}.

### Left-out units

{units}

## Fairness

| group | stays | labelled | AUROC | observed | expected |
|---|---|---|---|---|---|
{groups}

Groups with fewer than ten stays or labelled stays are hidden.

## Limitations

Figures are of patients of the same hospitals as those it learnt from. Nothing of simulated patients is in this card.
Regulatory: no medical device; not cleared by any authority.
"""


def card(recipe: Recipe, version: str, figures: Mapping[str, Any], features: int) -> str:
    """The card as Markdown."""
    model, points = figures["model"], figures["NEWS2-type"]
    rows = [f"| {name} | {shown(model[name])} | {shown(points.get(name))} |" for name in model]
    units = [f"- {name}: {one['stays']} stays, AUROC {one['auroc']}" for name, one in figures["left-out units"].items()]
    return FORM.format(
        name=recipe.name, version=version, what=recipe.what, unfit=recipe.unfit, stays=model["stays"],
        labelled=model["labelled stays"], unlabelled=figures["stays without outcome"], outcome=recipe.what,
        features=features, telling=", ".join(name for name, _ in figures["most telling"][:10]), folds=FOLDS, bags=BAGS,
        figures="\n".join(rows), slope=figures["calibration slope"], intercept=figures["calibration intercept"],
        predicted=figures["mean predicted"], observed=figures["observed"],
        units="\n".join(units) or "The data name one unit only.",
        groups="\n".join(group(name, one) for name, one in figures["groups"].items()),
    )  # fmt: skip


def group(name: str, one: Mapping[str, Any]) -> str:
    """One row of the fairness table."""
    columns = ("stays", "labelled stays", "auroc", "observed", "expected")
    return f"| {name} | {' | '.join(shown(one.get(column)) for column in columns)} |"


def shown(value: Any) -> str:
    """A figure, or the two ends of its interval; a dash for what is not known."""
    if value is None:
        return "–"
    return " to ".join(shown(one) for one in value) if isinstance(value, list) else str(value)
