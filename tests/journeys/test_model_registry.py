"""From a kept model to an approved one: what has to be there, who may, in which order, and what takes it back to shadow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.journeys.test_alerts import request, said

from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.journey import room as journey
from onmaru.rooms.monitor import room
from onmaru.rooms.monitor.models import commands, routes
from onmaru.rooms.monitor.models.entry import step
from onmaru.rooms.monitor.models.standing import figure
from onmaru.rooms.monitor.risk import boosting, packed
from onmaru.rooms.monitor.risk.packed import Report
from onmaru.rooms.monitor.risk.training import Kept

PEOPLE: Mapping[str, Role] = {"dr-kim": "physician", "n-lee": "nurse", "dm-park": "data-manager"}
GOOD = {
    "model": {"auroc": 0.8, "auroc 95 %": [0.7, 0.9], "labelled stays": 40, "stays": 400},
    "calibration slope": 1.1, "calibration intercept": 0.0,
}  # fmt: skip
LIMITS = {"auroc": {"least": 0.75}, "calibration slope": {"least": 0.8, "most": 1.25}, "labelled stays": {"least": 30}}
WHY = "seen and weighed by the unit"


def kept(folder: Path, slope: float = 1.0) -> Path:
    """A model of nothing, as training would lay it down."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(1)
    model = boosting.grown(dice.normal(size=(300, 2)), (dice.random(300) < 0.5).astype(float), hourly=True, seed=0)
    boosting.saved(model, folder / "trees.txt")
    boosting.saved(model, folder / "bag-0.txt")
    line = Kept("sepsis-6h", ["a", "b"], slope, 0.0, 0.5, True, 1, 300, 150)
    (folder / "model.json").write_bytes(msgspec.json.encode(line))
    (folder / "card.md").write_text("# Model card\n", "utf-8")
    (folder / "card.json").write_bytes(msgspec.json.encode({"model": {"auroc": 0.77}, "groups": {}}))
    return folder


class Site:
    """A house with a physician, a nurse and a data manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = House(Place(folder / "home", folder / "keys", folder / "witness"), (journey, room))
        for name, role in PEOPLE.items():
            self.house.logins.keep_user(User("main", name, name, (role,)))

    def hall(self, user: str = "", monitor: bool = True) -> Hall:
        if not user:
            return self.house.hall(system("main"), "monitor")
        held = self.house.logins.table[PEOPLE[user]]
        caller = Caller("main", user, frozenset({PEOPLE[user]}), held.purposes[0], held.scopes)
        return self.house.hall(caller, "monitor" if monitor else "")

    def settled(self, answer: Any) -> Any:
        home = self.house.seat("main").home
        home.wait(home.tip())
        return answer

    def register(self, folder: Path) -> str:
        lines: list[Mapping[str, Any]] = []
        commands.register(self.hall(), {"dir": str(folder)}, lines.append)
        return str(self.settled(lines)[0]["model"])

    def report(self, folder: Path, figures: Mapping[str, Any], kind: Any = "back-test") -> None:
        file = self.folder / "report.json"
        found = Report(kind, "sepsis-6h", folder.name, packed.digest(folder), dict(figures))
        file.write_bytes(msgspec.json.encode(found))
        self.settled(commands.report(self.hall(), {"file": str(file), "stays": "MICU 2025"}, lambda line: None))

    def look(self, id: str, user: str = "dm-park") -> Any:
        return said(routes.one(request(id=id), self.hall(user)))

    def limit(self, id: str, user: str = "dm-park", **limits: Any) -> None:
        body = {"limits": limits or LIMITS, "reason": WHY}
        self.settled(routes.limit(request(body, id=id), self.hall(user)))

    def act(self, id: str, what: str, user: str = "dr-kim") -> None:
        body = {"step": what, "digest": self.look(id)["digest"], "reason": WHY}
        self.settled(routes.act(request(body, id=id), self.hall(user)))

    def approved(self, folder: Path) -> str:
        id = self.register(folder)
        self.limit(id)
        self.report(folder, GOOD)
        self.act(id, "approve")
        assert self.look(id)["state"] == "active"
        return id


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "ROUNDS", {True: 2, False: 2})
        made = Site(tmp_path_factory.mktemp("registry"))
        yield made
    made.house.close()


def refused(call: Any, *args: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(Invalid) as found:
        call(*args, **more)
    return found.value.status, found.value.issues[0].text


def test_each_step_is_refused_until_what_it_stands_on_is_there(site: Site) -> None:
    folder = kept(site.folder / "1")
    id = site.register(folder)
    found = site.look(id)
    assert (found["state"], found["missing"]) == ("shadow", ["limits", "back-test"])
    assert refused(site.act, id, "approve") == (422, "what is missing: limits, back-test")
    # A back-test that was there before anybody said what it has to show does not count
    site.report(folder, GOOD)
    assert refused(site.limit, id, auroc={"least": 0.7})[1] == (
        "also least calibration slope, most calibration slope, least labelled stays"
    )
    assert refused(site.limit, id, luck={"least": 1})[0] == 422
    site.limit(id)
    assert site.look(id)["missing"] == ["back-test"]
    site.report(folder, {**GOOD, "calibration slope": 0.5})
    assert refused(site.act, id, "approve") == (422, "what is missing: figures, calibration slope is 0.5")
    site.report(folder, GOOD)
    assert refused(site.act, id, "approve", user="dm-park")[0] == 403
    assert refused(site.look, id, user="n-lee")[0] == 403
    assert refused(site.act, id, "approve", user="n-lee")[0] == 403
    site.act(id, "approve")
    found = site.look(id)
    assert (found["state"], found["approval"]["by"], found["approval"]["said"]) == ("active", "dr-kim", WHY)
    assert all(one["met"] for one in found["limits"]) and found["figures"]["model"]["auroc"] == 0.77
    assert [one["kind"] for one in found["steps"] if one["counts"]] == ["limits", "back-test", "approval"]
    assert refused(site.act, id, "approve")[0] == 409
    site.act(id, "withdraw", user="dm-park")
    assert site.look(id)["state"] == "shadow"


def test_a_model_that_changed_is_in_shadow_and_its_approver_is_told_so(site: Site) -> None:
    folder = kept(site.folder / "2")
    id = site.approved(folder)
    seen = site.look(id)["digest"]
    assert site.register(kept(folder, slope=1.1)) == id
    found = site.look(id)
    assert (found["state"], found["missing"]) == ("shadow", ["back-test"])
    body = {"step": "approve", "digest": seen, "reason": WHY}
    assert refused(routes.act, request(body, id=id), site.hall("dr-kim"))[0] == 409


def test_limits_that_changed_ask_for_another_back_test(site: Site) -> None:
    id = site.approved(kept(site.folder / "3"))
    site.limit(id, user="dr-kim", **LIMITS | {"auroc": {"least": 0.7}})
    assert (site.look(id)["state"], site.look(id)["missing"]) == ("shadow", ["back-test"])


def test_an_approval_counts_only_from_a_physician_who_wrote_it_and_is_still_one(site: Site) -> None:
    folder = kept(site.folder / "4")
    id = site.register(folder)
    site.limit(id)
    site.report(folder, GOOD)
    taken = [
        one for one in site.hall().record.history("Task", count=50).matches if one.body and id.encode() in one.body
    ]
    cites = tuple(f"{one.name}/_history/{one.version}" for one in reversed(taken))
    for writer, named in (("n-lee", "dr-kim"), ("n-lee", "n-lee"), ("dm-park", "dr-kim"), ("dm-park", "dm-park")):
        body = step("approval", id, named, 1, digest=packed.digest(folder), cites=cites) | {
            "id": f"forged-{writer}-{named}"
        }
        change = Change("update", "Task", body["id"], msgspec.json.encode(body))
        site.settled(site.hall(writer, monitor=False).record.write([change]))
        assert site.look(id)["state"] == "shadow", (writer, named)
    site.act(id, "approve")
    assert site.look(id)["state"] == "active"
    kim = site.house.logins.accounts.user("main", "dr-kim")
    assert kim is not None
    site.house.logins.keep_user(msgspec.structs.replace(kim, disabled=True))
    assert site.look(id)["state"] == "shadow"
    site.house.logins.keep_user(kim)
    assert site.look(id)["state"] == "active"


def test_a_report_of_another_model_is_none(site: Site) -> None:
    folder, other = kept(site.folder / "5"), kept(site.folder / "other" / "5", slope=2.0)
    id = site.register(folder)
    site.limit(id)
    site.report(other, GOOD)
    assert site.look(id)["missing"] == ["back-test"]


def test_of_one_model_one_version_is_active_and_the_one_before_it_goes_to_shadow(site: Site) -> None:
    first, second = site.approved(kept(site.folder / "6")), site.approved(kept(site.folder / "7"))
    listed = said(routes.listed(request(), site.hall("dm-park")))["models"]
    assert [one["id"] for one in listed if one["state"] == "active"] == [second]
    site.act(second, "withdraw")
    # Withdrawing the later one does not switch the earlier one on behind anybody's back
    assert site.look(first)["state"] == "shadow"


def test_the_watch_is_shown_with_what_it_is_of(site: Site) -> None:
    folder = kept(site.folder / "8")
    id = site.register(folder)
    moved = [{"feature": "a", "psi": 0.4, "drifted": True}, {"feature": "b", "psi": 0.0, "drifted": False}]
    site.report(folder, {"stays": 9, "inputs": moved, "outcome": [], "unknown": []}, kind="watch")
    watch = site.look(id)["watch"]
    assert (watch["stays"], watch["said"], [one["feature"] for one in watch["inputs"]]) == (9, "MICU 2025", ["a"])


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"kind":"luck"}', bytes(range(128, 192))])
def test_what_is_no_report_or_model_is_refused(site: Site, tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(body)
    assert refused(commands.report, site.hall(), {"file": str(file), "stays": "x"}, print)[0] == 422
    assert refused(commands.register, site.hall(), {"dir": str(tmp_path)}, print)[0] == 422


@pytest.mark.parametrize("told", [None, "high", True, [], {"auroc": None}, {"auroc": [0.8]}])
def test_a_figure_that_is_none_is_not_one(told: Any) -> None:
    assert figure({"model": told}, "auroc") is None
