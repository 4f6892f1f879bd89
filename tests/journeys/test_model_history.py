"""The site's own stays as a history to learn from: what an event is, where rows end, and that nobody simulated is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from tests.journeys.test_model_registry import Site, refused
from tests.journeys.test_model_serving import reading

from journey_ward import place
from onmaru.app.house import system
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.models import commands, history
from onmaru.rooms.monitor.models.charted import HOUR
from onmaru.rooms.monitor.models.history import Lying, labelled, lying
from onmaru.rooms.monitor.risk import boosting, figures, training
from onmaru.simulate.systems import MRN, oid

START = 1_772_000_000_000_000
ICU = frozenset({"Location/icu", "Location/i1"})


def at(hours: float) -> str:
    return instant(START + int(hours * HOUR))


def stay(places: list[tuple[str, float]], end: float | None = 60, **other: Any) -> dict[str, Any]:
    period = {"start": at(0)} | ({"end": at(end)} if end is not None else {})
    located = [
        {"location": {"reference": f"Location/{name}"}, "period": {"start": at(since)}} for name, since in places
    ]
    return {
        "resourceType": "Encounter", "status": "finished" if end else "in-progress", "class": IMP, "period": period,
        "subject": {"reference": "Patient/p1"}, "location": located, **other,
    }  # fmt: skip


IMP = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
DEAD = {"dischargeDisposition": {"coding": [{"system": history.EXPIRED.split("|")[0], "code": "exp"}]}}


@pytest.mark.parametrize(
    ("body", "calls", "died", "event", "kind", "intensive"),
    [
        (stay([("w1", 0)]), {}, {}, None, "", False),
        (stay([("w1", 0), ("i1", 30)]), {}, {}, 30, "icu", False),
        (stay([("i1", 0), ("w1", 30)]), {}, {}, None, "", True),
        (stay([("w1", 0)], hospitalization=DEAD), {}, {}, 60, "death", False),
        (stay([("w1", 0)]), {}, {"p1": 59}, 59, "death", False),
        (stay([("w1", 0)]), {}, {"p1": 900}, None, "", False),
        (stay([("w1", 0), ("i1", 30)]), {"p1": [20, 40]}, {}, 20, "call", False),
        (stay([("w1", 0)]), {"p1": [70], "p2": [20]}, {}, None, "", False),
        (stay([("w1", 0)], end=None), {"p1": [70]}, {}, 70, "call", False),
    ],
)
def test_the_first_event_of_a_stay_is_what_counts(
    body: dict[str, Any],
    calls: dict[str, list[int]],
    died: dict[str, int],
    event: int | None,
    kind: str,
    intensive: bool,
) -> None:
    facts = (
        {who: [START + hour * HOUR for hour in hours] for who, hours in calls.items()},
        {who: START + hour * HOUR for who, hour in died.items()},
    )
    found = lying(body, ICU, facts, START + 100 * HOUR)
    assert found is not None
    assert (found.event, found.kind, found.intensive) == (
        None if event is None else START + event * HOUR,
        kind,
        intensive,
    )


def test_no_stay_is_made_of_what_has_no_start_or_was_a_mistake() -> None:
    bare = stay([])
    for body in (
        {**bare, "status": "entered-in-error"},
        {**bare, "period": {"start": "2026"}},
        {**bare, "subject": {}},
    ):
        assert lying(body, ICU, ({}, {}), START) is None


def test_an_hour_is_labelled_when_the_event_comes_within_a_day_of_it_and_rows_end_there() -> None:
    count, labels = labelled(Lying("p1", 0, 90 * HOUR, 30 * HOUR + 1, "icu", intensive=False))
    assert count == 30 and labels.tolist() == [0] * 6 + [1] * 24
    assert labelled(Lying("p1", 0, 5 * HOUR + 9, None, "", intensive=False))[1].tolist() == [0] * 5
    assert labelled(Lying("p1", 0, 5 * HOUR, HOUR - 1, "call", intensive=False))[0] == 0


class History(Site):
    """A record of 48 stays, of which every second went to intensive care after two hours with a racing heart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        bodies: list[dict[str, Any]] = [
            place("icu", "wa", "ICU"),
            place("i1", "bd", "I", "icu"),
            place("w1", "wa", "W"),
        ]
        for one in range(48):
            who = f"p{one}"
            moved = [("i1", 2.5)] if one % 2 else []
            body = stay([("w1", 0), *moved], end=4, id=f"e{one}", subject={"reference": f"Patient/{who}"})
            bodies += [{"resourceType": "Patient", "id": who, "gender": "female", "birthDate": "1950-05-05"}, body]
            for hour in range(2):
                rate = (str(130 + one % 7 if one % 2 else 70 + one % 7), "/min")
                bodies.append(reading(f"{who}-{hour}", who, "heart-rate", rate, START + hour * HOUR + 60_000_000))
        self.put(*bodies)

    def put(self, *bodies: dict[str, Any]) -> None:
        changes = [Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in bodies]
        self.settled(self.house.hall(system("main")).record.write(changes))
        self.house.catch_up("main")

    def asking(self, icu: str = "Location/icu") -> Hall:
        found = self.hall()
        return replace(found, settings={**found.settings, "icu_wards": icu})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with pytest.MonkeyPatch.context() as patch:
        interval = figures.interval
        patch.setattr(figures, "interval", lambda one, figure, times: interval(one, figure, min(times, 3)))
        patch.setattr(boosting, "ROUNDS", {True: 12, False: 12})
        patch.setitem(boosting.SHAPE, True, {"num_leaves": 4, "min_data_in_leaf": 5})
        patch.setattr(training, "BAGS", 1)
        made = History(tmp_path_factory.mktemp("history"))
        yield made
    made.house.close()


def test_the_record_is_learnt_from_and_what_was_learnt_is_judged_on_other_days(site: History) -> None:
    found = history.cohort(site.asking(), START + 99 * HOUR)
    labels = [one.labels.tolist() for one in found.stays]
    assert sorted(map(len, labels)) == [2] * 24 + [4] * 24 and sum(map(sum, labels)) == 48
    assert {one.static["Age"] for one in found.stays} == {75.0} and found.stays[0].admitted == "2026-02-25"
    assert np.nanmax([one.values[:, 0].max() for one in found.stays if one.labels.any()]) >= 130
    lines: list[Any] = []
    folder = site.folder / "d1"
    commands.train(site.asking(), {"dir": str(folder)}, lines.append)
    assert lines[-1]["model"]["labelled stays"] == 24 and lines[-1]["model"]["auroc"] > 0.9
    assert "utility" not in lines[-1]["model"] and "lead h at 1/100 h" not in lines[-1]["model"]
    assert "Transfer to intensive care" in (folder / "card.md").read_text("utf-8")
    report = site.folder / "report.json"
    asked = {"dir": str(folder), "file": str(report)}
    commands.judge(site.asking(), {**asked, "until": "2026-03-01"}, lines.append)
    told = json.loads(report.read_text("utf-8"))
    assert (told["kind"], told["figures"]["model"]["stays"]) == ("back-test", 48)
    commands.judge(site.asking(), {**asked, "kind": "watch"}, lines.append)
    assert json.loads(report.read_text("utf-8"))["figures"]["outcome"][0]["month"] == "2026-02"
    late = {**asked, "since": "2027-01-01"}
    assert refused(commands.judge, site.asking(), late, print) == (422, "the record has no such stay")
    assert refused(commands.train, site.asking(), {"dir": str(folder)}, print)[0] == 422


def test_nothing_is_learnt_before_the_site_says_which_wards_are_intensive_care(site: History) -> None:
    assert "icu_wards" in refused(history.cohort, site.asking(icu=""), START)[1]


def test_simulated_patients_are_no_history(site: History) -> None:
    assert (oid(MRN),) == history.SIMULATED
    made = {"resourceType": "Patient", "id": "sim", "identifier": [{"system": oid(MRN), "value": "SIM-1"}]}
    site.put(made)
    for call in (commands.train, commands.judge):
        args = {
            "dir": str(site.folder / ("d1" if call is commands.judge else "d2")),
            "file": str(site.folder / "r.json"),
        }
        assert refused(call, site.asking(), args, print) == (
            422, "the record holds simulated patients: nothing learnt or measured on them is a history",
        )  # fmt: skip
    assert not (site.folder / "d2").exists() and not (site.folder / "r.json").exists()
