"""What the pages of keepers are told: jobs, subscriptions and how the house stands, of a house that is really served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onmaru.app import noted
from onmaru.app.subscriptions.tuning import Tuning
from receiver import Receiver, until
from subscribing_house import Served, classic

LATER = {"prefer": "respond-async", "accept": "application/fhir+json"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("figures")
        made = Served(folder, patch, receiver.port)
        made.stop()
        made.tuning = Tuning(tries=2, first=0.02, most=0.05, patrol=0.1, flush=0.05)
        made.start()
        made.token("steward", "data-manager")
        made.token("admin", "admin")
        yield made
        made.stop()


def api(house: Served, path: str, by: str = "steward", method: str = "GET") -> tuple[int, Any]:
    answer = house.client.request(method, f"/api/{path}", headers={"authorization": f"Bearer {house.tokens[by]}"})
    return answer.status_code, answer.json() if answer.content else None


def test_a_subscription_in_error_is_told_and_goes_on_as_its_owner(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(classic("Patient", f"{receiver.url}?key=hidden"))
    until(lambda: house.state(id)[0] == "active")
    receiver.mood = 500
    house.patient("Ito")
    until(lambda: house.state(id)[0] == "error")
    (one,) = api(house, "subscriptions")[1]["items"]
    told = {name: one[name] for name in ("state", "user", "number", "sent", "channel", "criteria", "host")}
    assert told == {"state": "error", "user": "system", "number": 1, "sent": 0, "channel": "rest-hook",
                    "criteria": "Patient", "host": f"127.0.0.1:{receiver.port}"}  # fmt: skip
    assert one["error"] and one["failures"] == 0 and "hidden" not in str(one)
    assert api(house, "operating")[1]["subscriptions"] == {"error": 1}
    receiver.mood = 200
    status, again = api(house, f"subscriptions/{id}/resume", method="POST")
    assert (status, again["state"], again["error"]) == (200, "requested", "")
    until(lambda: house.state(id) == ("active", ""))
    house.patient("Sato")
    until(lambda: [head["X-Onmaru-Event-Number"] for _, _, head, _ in receiver.taken] == ["1", "2"])
    assert api(house, f"subscriptions/{id}/resume", method="POST")[0] == 409
    assert api(house, "subscriptions/unknown/resume", method="POST")[0] == 404
    assert api(house, "subscriptions", by="admin")[0] == 403
    assert api(house, "subscriptions")[1]["items"][0]["user"] == "system", "whoever tried it again does not own it"


def test_a_failing_subscription_says_when_it_is_tried_again(house: Served, receiver: Receiver) -> None:
    house.tuning = Tuning(tries=300, first=30.0, most=30.0, patrol=0.1, flush=0.05)
    house.stop()
    house.start()
    receiver.mood = 500
    house.patient("Mori")
    one = until(lambda: next((one for one in api(house, "subscriptions")[1]["items"] if one.get("next")), None))
    assert one["state"] == "active" and one["failures"] == 1 and one["since"] < one["next"]
    assert one["number"] - one["sent"] == 1


def test_jobs_are_told_to_all_who_export_and_what_they_ask_for_to_their_own(house: Served) -> None:
    headers = {"authorization": f"Bearer {house.tokens['steward']}", **LATER}
    begun = house.client.get("/fhir/Patient/$export?_type=Patient", headers=headers)
    assert begun.status_code == 202
    id = begun.headers["content-location"].rpartition("/")[2]
    done = until(lambda: next((one for one in api(house, "jobs")[1]["items"] if one["status"] == "completed"), None))
    assert (done["id"], done["kind"], done["user"], done["mine"]) == (id, "export", "steward", True)
    assert done["request"].endswith("Patient/$export?_type=Patient") and done["expires"] > done["at"]
    (other,) = api(house, "jobs", by="system")[1]["items"]
    assert (other["mine"], other["request"], other["user"]) == (False, "", "steward")
    assert house.client.delete(f"/fhir/$job/{id}", headers=headers).status_code == 202
    assert api(house, "jobs")[1]["items"] == []
    assert api(house, "jobs", by="admin")[0] == 403


def test_the_house_tells_how_it_stands_and_what_it_is_made_of(house: Served) -> None:
    said = {"tenant": "main", "at": "2026-11-23T00:00:00Z", "position": 3, "proved": True}
    noted.note(house.house.where.home, said)
    status, told = api(house, "operating", by="admin")
    assert status == 200 and told["engine"] == "home" and set(told["parts"]) >= {"log", "disk", "witness"}
    assert [one["name"] for one in told["followers"]] == ["rooms", "lake", "audit"]
    assert told["head"] > 0 and told["folders"][0]["free"] > 0 and told["letters"] == 0
    point = {"at": "2026-11-23T00:00:00Z", "position": 3}
    assert told["backup"] == {"set": False, "last": point, "proved": point, "wrong": ""}
    assert told["packets"] == {"set": False, "minutes": 15, "at": None, "wards": 0}
    status, bill = api(house, "sbom", by="admin")
    assert status == 200 and bill["bomFormat"] == "CycloneDX"
    assert "msgspec" in {one["name"] for one in bill["components"]}


def test_what_the_backup_command_notes_is_the_last_point_the_last_proof_and_what_was_wrong(tmp_path: Path) -> None:
    first = {"tenant": "main", "at": "2026-11-23T00:00:00Z", "position": 1}
    later = {"tenant": "main", "at": "2026-11-23T01:00:00Z", "position": 2}
    noted.note(tmp_path, {**first, "proved": True})
    noted.note(tmp_path, later)
    noted.note(tmp_path, {**first, "tenant": "clinic"})
    told = noted.backup(tmp_path, "main")
    assert (told["last"]["position"], told["proved"]["position"], told["wrong"]) == (2, 1, "")
    noted.note(tmp_path, {**later, "proved": False, "wrong": "a part is missing"})
    assert noted.backup(tmp_path, "main")["wrong"] == "a part is missing"
    noted.note(tmp_path, {**first, "proved": True})
    told = noted.backup(tmp_path, "main")
    assert (told["last"]["position"], told["proved"]["position"], told["wrong"]) == (2, 1, "")
    (tmp_path / noted.FILE).write_bytes(b"{")
    assert noted.backup(tmp_path, "clinic") == {"last": None, "proved": None, "wrong": ""}
