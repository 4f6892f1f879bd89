"""`onmaru model` on made stays in both public forms: what it keeps, tells and refuses. Its figures mean nothing here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from onmaru.app.model import model
from onmaru.app.refusal import Refusal
from onmaru.rooms.monitor.risk import training
from onmaru.rooms.monitor.risk.features import rows
from onmaru.rooms.monitor.risk.stays import NAMES_2019, STATIC_2019, hourly, judged


def asked(*args: str) -> list[Any]:
    done = CliRunner().invoke(model, [*args, "--json"], catch_exceptions=False, standalone_mode=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def psv(folder: Path, id: str, septic: bool, dice: np.random.Generator) -> None:
    lines = ["|".join((*NAMES_2019, *STATIC_2019, "ICULOS", "SepsisLabel"))]
    for hour in range(1, 13):
        values = [f"{dice.normal(80 + 4 * hour * septic, 5):.1f}" if dice.random() < 0.7 else "NaN" for _ in NAMES_2019]
        lines.append("|".join((*values, "65", "1", "1", "0", "-2.5", str(hour), str(int(septic and hour > 6)))))
    (folder / f"{id}.psv").write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("models")
    dice = np.random.default_rng(1)
    (found / "data").mkdir()
    for one in range(80):
        psv(found / "data", f"p{one:03}", one % 3 == 0, dice)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONMARU_HOME", str(found / "home"))
        patch.setattr("onmaru.rooms.monitor.risk.boosting.ROUNDS", {True: 8, False: 8})
        patch.setattr(training, "BAGS", 2)
        yield found


def test_a_model_is_trained_kept_with_its_card_and_judged_again_elsewhere(home: Path) -> None:
    data = str(home / "data")
    told = asked("train", "sepsis-6h", data)[-1]
    kept = Path(told["out"])
    assert kept == home / "home" / "models" / "sepsis-6h" / "1"
    assert told["model"]["stays"] == 80 and told["model"]["labelled stays"] == 27
    card = (kept / "card.md").read_text("utf-8")
    assert "**shadow**" in card and "## Fairness" in card and "{" not in card
    again = asked("validate", "sepsis-6h", data)[-1]
    assert again["model"]["rows"] == told["model"]["rows"]
    assert set(again["NEWS2-type"]) == set(again["model"])
    line = asked("explain", "sepsis-6h", data, "p000")[-1]
    low, high = line["interval"]
    assert low <= high and line["hour"] == 12 and len(line["reasons"]) == 8
    assert [one["version"] for one in asked("list") if "version" in one] == ["1"]


def test_training_twice_makes_the_same_model(home: Path) -> None:
    for name in ("a", "b"):
        asked("train", "sepsis-6h", str(home / "data"), "--out", str(home / name))
    assert (home / "a" / "trees.txt").read_bytes() == (home / "b" / "trees.txt").read_bytes()


def test_no_feature_looks_ahead(home: Path) -> None:
    cohort = hourly(home / "data")
    stay = cohort.stays[0]
    cut = stay._replace(values=stay.values[:5], labels=stay.labels[:5])
    whole, early = (rows(cohort._replace(stays=[one])).x for one in (stay, cut))
    assert np.array_equal(whole[:5], early, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("HR|O2Sat\n1|2\n", "line 1: column Temp is missing"),
        ("{head}\n1|2\n", "line 2: 2 fields"),
        ("{head}\n{row}|2\n", "line 2: SepsisLabel is neither 0 nor 1"),
        ("{head}\n{word}|0\n", "line 2: a value is no number"),
        ("{head}\n", "no hour"),
        ("\x00\xff", "line 1: column HR is missing"),
    ],
)
def test_a_file_of_another_form_is_refused_by_name_and_line(tmp_path: Path, text: str, why: str) -> None:
    head = "|".join((*NAMES_2019, *STATIC_2019, "SepsisLabel"))
    row = "|".join(["1"] * (len(NAMES_2019) + len(STATIC_2019)))
    made = text.format(head=head, row=row, word=row.replace("1", "x", 1)) if "{" in text else text
    (tmp_path / "p1.psv").write_text(made, "utf-8")
    with pytest.raises(Refusal, match=why):
        asked("train", "sepsis-6h", str(tmp_path))


def test_an_empty_folder_and_an_unknown_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"no \.psv file"):
        asked("train", "sepsis-6h", str(tmp_path))
    with pytest.raises(Refusal, match="there are: sepsis-6h, death-48h"):
        asked("train", "flu", str(tmp_path))


def test_stays_of_two_days_are_read_with_their_outcomes(tmp_path: Path) -> None:
    (tmp_path / "set-a").mkdir()
    (tmp_path / "Outcomes-a.txt").write_text("RecordID,SAPS-I,In-hospital_death\n1,6,1\n3,-1,0\n", "utf-8")
    series = (
        "Time,Parameter,Value\n00:00,RecordID,1\n00:00,Age,54\n00:00,Weight,-1\n00:07,HR,73\n47:59,HR,80\n48:00,HR,90\n"
    )
    for id in ("1", "2", "3"):
        (tmp_path / "set-a" / f"{id}.txt").write_text(series, "utf-8")
    found = judged(tmp_path)
    assert [stay.id for stay in found.stays] == ["1", "3"] and found.unlabelled == ["2"]
    stay = found.stays[0]
    assert (stay.values[0, 0], stay.values[47, 0], stay.static["Age"], stay.scores) == (73, 90, 54, {"SAPS-I": 6})
    assert np.isnan(stay.static["Weight"]) and found.stays[1].scores == {}
