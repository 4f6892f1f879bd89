"""A process made to be killed: it writes, reads and projects as fast as it can and says after each group what is safe.

Each line on standard output is `position audit-rows`, written only after both are durable.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

from onmaru.app.house import MAIN, House, Place, system
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change


def transaction(chance: random.Random, known: list[str]) -> list[Change]:
    """A patient with observations, or an update or deletion of one that is there."""
    if known and chance.random() < 0.3:
        id = chance.choice(known)
        if chance.random() < 0.2:
            return [Change("delete", "Patient", id)]
        return [Change("update", "Patient", id, _body("Patient", id=id, gender=chance.choice(["male", "female"])))]
    changes = [
        Change("create", "Patient", body=_body("Patient", name=[{"family": f"F{chance.random()}"}]), name="urn:uuid:p")
    ]
    for number in range(chance.randrange(20)):
        code = {"coding": [{"system": "http://loinc.org", "code": f"{number}-0"}]}
        subject = {"reference": "urn:uuid:p"}
        body = _body("Observation", status="final", code=code, subject=subject, valueString="x" * chance.randrange(900))
        changes.append(Change("create", "Observation", body=body))
    return changes


def _body(type: str, **members: object) -> bytes:
    return json.dumps({"resourceType": type, **members}).encode()


def run(folder: Path, seed: int, groups: int) -> None:
    """Write `groups` groups, then close; a parent may kill this at any instant."""
    house = House(Place(folder / "home", folder / "keys", folder / "witness"))
    seat, chance = house.seat(MAIN), random.Random(seed)  # noqa: S311 - a reproducible workload
    chart = Chart(seat.tenant, system(MAIN))
    known = [version.id for version in chart.search(search.parse(("Patient",), [("_count", "50")])).matches]
    for number in range(groups):
        for _ in range(chance.randrange(1, 6)):
            try:
                written = chart.write(transaction(chance, known))
                known = (known + [one.version.id for one in written if one.version.type == "Patient"])[-200:]
            except Invalid:
                continue  # the resource was deleted meanwhile
        chart.search(search.parse(("Patient",), [("_count", "5")]))
        seat.home.wait(seat.home.tip())
        os.write(1, f"{seat.home.head()} {seat.home.trail.count}\n".encode())
        if number % 7 == 0:
            house.catch_up(MAIN)
            seat.home.tidy(1 << 20)
        if number % 11 == 0:
            seat.home.index.commit()
            house.witness()
    house.close()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
