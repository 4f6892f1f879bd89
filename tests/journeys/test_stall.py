"""Small reads go on while the largest things are posted; the bar here is ten times that of `onmaru prove 2.stall`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.app.aside import Aside
from onmaru.app.errands import Project, Projected
from onmaru.app.prove import loads, stall
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.errand import Admit, Admitted, Open, Opened, Refused
from onmaru.kernel.log import Version

KINDS = ("1,000 creates", "1,000 conditional creates", "1,000 wrong entries", "an attachment of 15 MB")


def test_the_loop_is_never_held_for_half_a_second_whatever_is_posted(tmp_path: Path) -> None:
    # In CPU time: how long a read waits on a machine that others use as well is theirs to say
    waits = stall.measured(tmp_path, {kind: loads.POSTS[kind] for kind in KINDS}, calm=0.2)
    assert set(waits.read) == {"nothing", *KINDS} and all(waits.read.values())
    assert max(waits.held.values()) < stall.BAR * 10_000, waits.held


def test_an_errand_comes_back_from_the_process_aside_as_if_done_here() -> None:
    errands = [
        Admit(
            "Observation", loads.panel(500, 400), False, {"urn:uuid:6f1d3d6e-0000-4000-8000-000000000001": "Patient/1"}
        ),
        Admit("Observation", loads.panel(500, 400, wrong=1), False, {}),
        Open(loads.transaction(size=2000), 1000),
        Open(loads.transaction(size=2000), 10),
        Project(loads.panel(500, 400), "journey", Version(7, "Observation", "o", 1, "create", 1, None)),
        Project(b"{}", "nobody's", Version(7, "Observation", "o", 1, "create", 1, None)),
    ]

    async def carried() -> list[object]:
        aside = Aside()
        replies: list[object] = [await aside.carry(errand) for errand in errands]
        await aside.close()
        return replies

    admitted, wrong, opened, too_many, projected, nobody = asyncio.run(carried())
    assert admitted == errands[0].done() and isinstance(admitted, Admitted) and admitted.spots is not None
    assert opened == errands[2].done() and isinstance(opened, Opened) and opened.entry(0).resource
    assert isinstance(projected, Projected) and projected.rows == errands[4].done().rows  # type: ignore[union-attr]
    assert isinstance(wrong, Refused) and [one.expression for one in wrong.issues] == ["Observation.wrong"]
    assert isinstance(too_many, Refused) and too_many.status == 413
    assert isinstance(nobody, Refused) and nobody.status == 500


def test_an_errand_given_up_ends_its_process_and_the_next_has_another() -> None:
    async def twice() -> object:
        aside = Aside()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await aside.carry(Open(loads.transaction(size=15_000), 1000))
        reply = await aside.carry(Admit("Patient", loads.PATIENT, False, {}))
        await aside.close()
        return reply

    reply = asyncio.run(twice())
    assert isinstance(reply, Admitted) and json.loads(reply.body)["resourceType"] == "Patient"


def test_a_process_that_dies_over_an_errand_is_a_refusal_not_a_crash() -> None:
    async def killed() -> None:
        aside = Aside()
        await aside.carry(Admit("Patient", loads.PATIENT, False, {}))
        asked = asyncio.create_task(aside.carry(Open(loads.transaction(size=15_000), 1000)))
        await asyncio.sleep(0.01)
        aside._end()
        with pytest.raises(Invalid) as refused:
            await asked
        assert refused.value.status == 503
        await aside.close()

    asyncio.run(killed())


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_a_large_body_is_stored_and_found_like_a_small_one(tmp_path: Path, engine: str) -> None:
    house = House(tmp_path, engine=engine)
    token = house.token("loader", "system")
    answer = house.ask("POST", "/fhir/Observation", json.loads(loads.panel(500, 400)), {}, token)
    assert answer.status == 201, answer.body
    assert json.loads(answer.body)["meta"]["versionId"] == "1"
    found = house.ask("GET", "/fhir/Observation?component-code=http://loinc.org|399-2", token=token).json
    assert found["total"] == 1
    id = found["entry"][0]["resource"]["id"]
    changed = {**found["entry"][0]["resource"], "status": "amended"}
    answer = house.ask("PUT", f"/fhir/Observation/{id}", changed, {"if-match": 'W/"1"'}, token)
    assert (answer.status, answer.json["meta"]["versionId"], answer.json["status"]) == (200, "2", "amended")
    assert house.ask("PUT", f"/fhir/Observation/{id}", changed, {"if-match": 'W/"1"'}, token).status == 412
    house.close()
