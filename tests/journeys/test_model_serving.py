"""A registered model in the running house: judged from the chart by the features of training, hidden while in shadow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from tests.journeys.test_alerts import request, said
from tests.journeys.test_model_registry import GOOD, WHY, Site, kept, refused

from journey_ward import encounter, patient, place
from onmaru.fhir import search
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.journey.projection import Journey
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.models import bedside, charted, forms, routes, shown
from onmaru.rooms.monitor.models.entry import packing
from onmaru.rooms.monitor.models.serving import Serving
from onmaru.rooms.monitor.models.whereabouts import arrived
from onmaru.rooms.monitor.reading import by_code
from onmaru.rooms.monitor.risk import boosting, packed
from onmaru.rooms.monitor.risk.features import rows
from onmaru.rooms.monitor.risk.stays import NAMES_2019, STATIC_2019, Stay, hourly

HOUR = charted.HOUR
FORM = forms.FORMS["sepsis-6h"]
# Measured at these minutes of the stay: measure, value, unit
MEASURED = (
    (5, "heart-rate", "80", "/min"), (30, "heart-rate", "92", "/min"), (130, "heart-rate", "120", "/min"),
    (65, "temperature", "100.4", "[degF]"), (70, "systolic", "88", "mm[Hg]"), (71, "oxygen-fraction", "40", "%"),
    (140, "systolic", "90", "mm[Hg]"), (141, "systolic", "12", "kPa"), (142, "respiratory-rate", "20", "Cel"),
)  # fmt: skip


class Ward(Site):
    """A house with two patients: one in a ward whose patients models judge, one elsewhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now = time.time_ns() // 1_000_000_000 * 1_000_000
        # Three and a half hours ago
        self.start = self.now - 3 * HOUR - HOUR // 2
        self.put(
            place("icu", "wa", "중환자실"),
            place("b1", "bd", "1", "icu"),
            place("w2", "wa", "병동"),
            place("b2", "bd", "2", "w2"),
        )
        for who, bed in (("p1", "b1"), ("p2", "b2")):
            stay = encounter(f"e-{who}", who, bed)
            period = {"start": instant(self.start)}
            stay |= {"period": period, "location": [{**one, "period": period} for one in stay["location"]]}
            self.put({**patient(who, "김환자", who), "birthDate": "1960-01-01", "gender": "male"}, stay)
            for minute, measure, value, unit in MEASURED:
                self.put(
                    reading(
                        f"{who}-{minute}-{measure[:2]}", who, measure, (value, unit), self.start + minute * 60_000_000
                    )
                )
        self.house.catch_up("main")

    def put(self, *bodies: Any) -> None:
        for one in bodies:
            self.write(one["resourceType"], one["id"], msgspec.json.encode(one))

    def write(self, type: str, id: str, raw: bytes) -> None:
        self.settled(self.house.hall(system_caller()).record.write([Change("update", type, id, raw)]))

    def settled(self, answer: Any) -> Any:
        super().settled(answer)
        self.house.catch_up("main")
        return answer

    def serving(self) -> Hall:
        hall = self.hall()
        return replace(
            hall, settings={**hall.settings, "model_wards": "Location/icu Location/w2", "icu_wards": "Location/icu"}
        )

    def hours(self, later: int = 0) -> None:
        """Let the house judge whoever is due, as after a start."""
        reactor = Serving(self.serving(), self.now)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            reactor.act(self.serving(), self.now + later)
            if reactor._looked and not reactor._waiting and reactor._work is None:
                break
            time.sleep(0.005)
        else:
            raise AssertionError("the hour was not judged")
        self.settled(None)

    def beds(self, user: str = "n-lee") -> dict[str, Any]:
        found: dict[str, Any] = said(bedside.risks(request(), self.hall(user)))["patients"]
        return found


def reading(id: str, who: str, measure: str, quantity: tuple[str, str], at: int) -> dict[str, Any]:
    system_, code = next(key for key, name in by_code().items() if name == measure).split("|")
    return {
        "resourceType": "Observation", "id": id, "status": "final", "effectiveDateTime": instant(at),
        "code": {"coding": [{"system": system_, "code": code}]}, "subject": {"reference": f"Patient/{who}"},
        "valueQuantity": {"value": float(quantity[0]), "code": quantity[1], "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


def system_caller() -> Any:
    from onmaru.app.house import system

    return system("main")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "ROUNDS", {True: 3, False: 3})
        made = Ward(tmp_path_factory.mktemp("serving"))
        yield made
    made.house.close()


def served(folder: Path, seed: int = 0) -> Path:
    """A kept model of nothing with the features of 2019."""
    made = kept(folder)
    empty = Stay("x", "", dict.fromkeys(STATIC_2019, 0.0), np.zeros((1, len(NAMES_2019))), np.zeros(1, np.int8), {})
    names = charted.judged(FORM, empty).names
    dice = np.random.default_rng(3)
    x = dice.normal(90, 20, size=(400, len(names)))
    model = boosting.grown(x, (x[:, 0] > 100).astype(float), hourly=True, seed=seed)
    for name in ("trees.txt", "bag-0.txt"):
        boosting.saved(model, made / name)
    line = msgspec.json.decode((made / "model.json").read_bytes())
    (made / "model.json").write_bytes(msgspec.json.encode({**line, "features": list(names)}))
    return made


def test_the_chart_gives_the_features_that_the_same_hours_give_in_training(ward: Ward, tmp_path: Path) -> None:
    upto = ward.start + 3 * HOUR
    (place_,) = ward.hall().lake.query(views.PLACES, {"one": "p1", "ward": ""}).table.to_pylist()
    params = {"patient": "p1", "start": place_["low"], "upto": upto - 1}
    hours = ward.hall().lake.query(views.HOURS, params).table.to_pylist()
    stay = charted.stay(FORM, {**place_, "admitted": place_["low"] - 2 * HOUR}, hours, upto)
    assert stay is not None and charted.stay(FORM, place_, hours, place_["low"] + HOUR - 1) is None
    age = charted._age("1960-01-01", upto)
    known: list[dict[str, Any]] = [
        {"HR": 92}, {"Temp": float(Fraction(100.4 - 32) * 5 / 9), "SBP": 88, "FiO2": 0.4},
        {"HR": 120, "SBP": 12_000 / 133.322},
    ]  # fmt: skip
    lines = ["|".join((*NAMES_2019, *STATIC_2019, "SepsisLabel"))]
    for hour in known:
        lines.append(
            "|".join([*(str(hour.get(name, "NaN")) for name in NAMES_2019), str(age), "1", "NaN", "NaN", "-2", "0"])
        )
    (tmp_path / "p1.psv").write_text("\n".join(lines), "utf-8")
    trained = rows(hourly(tmp_path))
    np.testing.assert_allclose(charted.judged(FORM, stay).x[0], trained.x[-1], rtol=1e-6)
    assert "Lactate" in forms.untold(FORM) and "HR" not in forms.untold(FORM)


@pytest.mark.parametrize(
    ("moves", "since"),
    [
        ([("b1", 5)], 5), ([("b2", 0), ("b1", 5)], 5), ([("b1", 0), ("b2", 3), ("b1", 5), ("i2", 7)], 5),
        ([("b1", 0), ("b2", 3)], None), ([("i2", 7), ("b1", 5)], 5), ([("b1", None)], None), ([], None),
    ],
)  # fmt: skip
def test_hours_in_intensive_care_count_from_the_arrival_there(moves: list[Any], since: int | None) -> None:
    located = [
        {
            "location": {"reference": f"Location/{name}"},
            "period": {} if hour is None else {"start": instant(hour * HOUR)},
        }
        for name, hour in moves
    ]
    found = arrived({"location": located}, frozenset({"Location/icu", "Location/b1", "Location/i2"}))
    assert found == (None if since is None else since * HOUR)


def test_in_shadow_only_data_managers_see_what_it_says(ward: Ward) -> None:
    id = ward.register(served(ward.folder / "s1"))
    ward.hours()
    assert ward.beds() == {} and ward.beds("dr-kim") == {}
    found = said(shown.risks(request(id=id), ward.hall("dm-park")))
    (line,) = found["patients"]
    assert (line["patient"], line["state"], line["at"], line["draft"]) == ("p1", "shadow", ward.start + 3 * HOUR, True)
    assert 0 < line["interval"][0] <= line["probability"] <= line["interval"][1] < 1 and len(line["reasons"]) == 5
    assert refused(shown.risks, request(id=id), ward.hall("dr-kim"))[0] == 403
    # In the chart there is only that something was judged, and the journey does not even show that
    query = search.parse(("RiskAssessment",), [("subject", "Patient/p1")])
    (version,) = ward.hall("dr-kim", monitor=False).record.search(query).matches
    body = msgspec.json.decode(version.body or b"{}")
    assert body["status"] == "registered" and "prediction" not in body and str(line["probability"]) not in str(body)
    assert list(Journey().apply([version])) == [(version, ())]
    # After a restart the same hour is the same judgement
    head = ward.house.seat("main").home.head()
    ward.hours()
    assert ward.house.seat("main").home.head() == head


def test_once_active_the_ward_shows_it_as_a_draft_and_a_withdrawal_is_seen_at_once(ward: Ward) -> None:
    folder = served(ward.folder / "s2", seed=1)
    id = ward.register(folder)
    ward.limit(id)
    ward.report(folder, GOOD)
    ward.act(id, "approve")
    # What it said in shadow stays hidden; the next hour is the first that is shown
    ward.hours(later=HOUR)
    (risk,) = ward.beds()["p1"]
    assert (risk["model"], risk["version"], risk["draft"], risk["at"]) == (
        "sepsis-6h",
        "s2",
        True,
        ward.start + 4 * HOUR,
    )
    assert {"feature", "value", "weight"} == set(risk["reasons"][0]) and list(ward.beds()) == ["p1"]
    assert refused(bedside.risks, request(), ward.hall("dm-park"))[0] == 403
    body = {"step": "withdraw", "digest": ward.look(id)["digest"], "reason": WHY}
    ward.settled(routes.act(request(body, id=id), ward.hall("dr-kim")))
    assert ward.beds() == {}


def test_without_wards_for_models_nothing_is_done(ward: Ward) -> None:
    reactor, head = Serving(ward.hall(), ward.now), ward.house.seat("main").home.tip()
    assert reactor.act(ward.hall(), ward.now + 9 * HOUR) == () and ward.house.seat("main").home.tip() == head


def test_a_pack_that_is_not_the_registered_model_judges_nobody(ward: Ward) -> None:
    id = ward.register(served(ward.folder / "s3", seed=2))
    for other in (ward.folder / "s1", ward.folder / "nowhere"):
        raw = packed.packed(other) if other.is_dir() else b"no pack"
        ward.put(packing(id, "x", raw))
        ward.hours(later=3 * HOUR)
        assert said(shown.risks(request(id=id), ward.hall("dm-park")))["patients"] == []
