"""A kept model at another site: recalibrated to its history, watched, and refused where too little is there to tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.journeys.test_model_command import asked, psv

from onmaru.app.refusal import Refusal
from onmaru.rooms.monitor.risk import drift, figures, training
from onmaru.rooms.monitor.risk.packed import digest, packed, unpacked
from onmaru.rooms.monitor.risk.stays import Unreadable
from onmaru.rooms.monitor.risk.training import opened

SICK = 60


def stays(folder: Path, count: int, every: int, seed: int) -> Path:
    dice = np.random.default_rng(seed)
    folder.mkdir()
    for one in range(count):
        psv(folder, f"s{one:03}", one % every == 0, dice)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONMARU_HOME", str(found / "home"))
        patch.setattr("onmaru.rooms.monitor.risk.boosting.ROUNDS", {True: 8, False: 8})
        interval = figures.interval
        patch.setattr(figures, "interval", lambda one, figure, times: interval(one, figure, min(times, 5)))
        patch.setattr(training, "BAGS", 2)
        asked("train", "sepsis-6h", str(stays(found / "data", SICK, 2, 1)))
        stays(found / "site", 110, 2, 2)
        # At the site every second of those who look so is called septic
        for file in sorted((found / "site").glob("*.psv"))[::4]:
            file.write_text(file.read_text("utf-8").replace("|1\n", "|0\n"), "utf-8")
        yield found


def test_recalibration_brings_risks_to_the_sites_own_and_leaves_the_trees_alone(home: Path) -> None:
    told = asked("recalibrate", "sepsis-6h", str(home / "site"))[-1]
    before, after = told["before"], told["after"]
    assert before["mean predicted"] > 1.5 * before["observed"]
    assert after["mean predicted"] == pytest.approx(after["observed"], rel=0.1)
    assert (
        abs(after["calibration intercept"]) < abs(before["calibration intercept"]) and after["brier"] < before["brier"]
    )
    kept = Path(told["out"])
    assert kept.name == "2" and (kept / "trees.txt").read_bytes() == (kept.parent / "1" / "trees.txt").read_bytes()
    line = opened(kept).kept
    assert (line.parent, line.stays, line.labelled) == ("1", 110, 27)
    # The line that is kept fits all of them perfectly; the one that judged did not know whom it judged
    whole = asked("validate", "sepsis-6h", str(home / "site"), "--model", str(kept))[-1]
    assert whole["calibration slope"] == pytest.approx(1, abs=0.01) != after["calibration slope"]
    card = (kept / "card.md").read_text("utf-8")
    assert "**shadow**" in card and "| calibration slope |" in card and "{" not in card
    assert [one["version"] for one in asked("list") if one.get("model") == "sepsis-6h" and "version" in one] == [
        "1",
        "2",
    ]


def test_too_few_events_are_refused_with_how_many_there_are(home: Path, tmp_path: Path) -> None:
    few = stays(tmp_path / "few", 60, 10, 3)
    with pytest.raises(Refusal, match="6 of 60 stays have the label; recalibration needs 20 of each kind"):
        asked("recalibrate", "sepsis-6h", str(few))


def test_a_model_whose_order_is_wrong_at_the_site_is_not_mended(home: Path, tmp_path: Path) -> None:
    turned = stays(tmp_path / "turned", 60, 2, 4)
    for file in turned.glob("*.psv"):
        lines = file.read_text("utf-8").splitlines()
        septic = "|1" in {line[-2:] for line in lines[1:]}
        file.write_text("\n".join([lines[0], *(line[:-1] + str(int(not septic)) for line in lines[1:])]), "utf-8")
    with pytest.raises(Refusal, match="rarer where the model's risk is higher"):
        asked("recalibrate", "sepsis-6h", str(turned))


def test_the_watch_is_quiet_on_patients_alike_and_names_what_moved(home: Path, tmp_path: Path) -> None:
    model = str(home / "home/models/sepsis-6h/1")
    alike = asked("watch", "sepsis-6h", str(stays(tmp_path / "alike", SICK, 2, 5)), "--model", model)[-1]
    assert alike["drifted"]["features"] == [] and alike["outcome"][0]["month"] == ""
    moved = tmp_path / "moved"
    stays(moved, SICK, 2, 6)
    for file in moved.glob("*.psv"):
        head, *lines = file.read_text("utf-8").splitlines()
        # The heart rate comes from another device, and nobody measures the first laboratory value any more
        fields = [line.split("|") for line in lines]
        made = ["|".join([f"{float(one[0]) + 60}", *one[1:7], "NaN", *one[8:]]) for one in fields]
        file.write_text("\n".join([head, *made]), "utf-8")
    drifted = asked("watch", "sepsis-6h", str(moved), "--model", model)[-1]["drifted"]["features"]
    assert "HR last" in drifted and "EtCO2 last" in drifted and "O2Sat last" not in drifted


def test_months_are_told_apart_and_one_with_few_events_says_nothing(home: Path) -> None:
    site, model = home / "site", str(home / "home/models/sepsis-6h/1")
    days = [f"s{one:03},2026-{'03' if one < 16 else '04-11'}" for one in range(109)]
    (site / "admitted.csv").write_text("\n".join(["id,admitted", *days]), "utf-8")
    report = home / "watch.json"
    told = asked("watch", "sepsis-6h", str(site), "--model", model, "--report", str(report))[-1]
    lost, march, april = told["outcome"]
    assert (lost["month"], lost["stays"], march["month"], april["month"]) == ("", 1, "2026-03", "2026-04")
    assert march["labelled stays"] == 4 and march["interval"] is None and "2026-03" in told["unknown"]
    # Fewer fall ill here than where it learnt
    assert april["ratio"] < 1 and april["interval"][1] < 1 and told["drifted"]["months"] == ["2026-04"]
    kept = json.loads(report.read_text("utf-8"))
    assert (kept["kind"], kept["digest"]) == ("watch", digest(Path(model)))
    (site / "admitted.csv").write_text("id,admitted\ns000,spring\n", "utf-8")
    with pytest.raises(Refusal, match=r"admitted\.csv, line 2"):
        asked("watch", "sepsis-6h", str(site), "--model", model)
    (site / "admitted.csv").unlink()


def test_a_model_without_its_distribution_is_not_watched(home: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    unpacked(packed(home / "home/models/sepsis-6h/1"), bare)
    assert digest(bare) == digest(home / "home/models/sepsis-6h/1")
    with pytest.raises(Refusal, match="train it again"):
        asked("watch", "sepsis-6h", str(home / "site"), "--model", str(bare))


@pytest.mark.parametrize("raw", [b"", b"no pack", b"(\xb5/\xfd"])
def test_what_is_no_pack_is_refused(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        unpacked(raw, tmp_path)


def test_a_share_that_moved_has_the_index_worked_out_by_hand() -> None:
    """Two bins of a half each, now a quarter and three quarters: (0.25-0.5)·ln(0.5) + (0.75-0.5)·ln(1.5) = 0.2747."""
    spread = drift.Spread([5.0], [0.5, 0.5], 0.0)
    found = drift._moved(spread, np.array([1.0, 9.0, 9.0, 9.0]), (1000, 1000))
    assert (found["psi"], found["chance"], found["drifted"]) == (0.275, 0.002, True)
    assert msgspec.json.decode(msgspec.json.encode(spread), type=drift.Spread) == spread
