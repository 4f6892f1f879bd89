"""Boards proved: over a made lake each answers within a second, with the numbers that plain Python counts by hand."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import House, Place, system
from onmaru.app.rooms import open_room
from onmaru.kernel import measures
from onmaru.kernel.record import Change
from onmaru.rooms.equity import board as equity
from onmaru.rooms.insight import counting, shipped
from onmaru.rooms.insight.operations import board as operations

PATIENTS, SECOND, AT_ONCE = 20_000, 1.0, 5_000
Resource = dict[str, Any]


def boards(resources: int = 4 * PATIENTS) -> Figures:
    """Make a lake of patients with a stay, an order and most of them a report; ask each board, and count it by hand."""
    with tempfile.TemporaryDirectory(prefix="onmaru-boards-") as folder:
        top = Path(folder)
        house = House(Place(top / "home", top / "keys", top / "witness"), tuple(map(open_room, ("equity", "insight"))))
        try:
            made = _made(max(400, resources) // 4)
            _written(house, made)
            return {"resources": len(made), **_asked(house, made)}
        finally:
            house.close()


def _made(patients: int) -> list[Resource]:
    dice = random.Random(4)  # noqa: S311 - made people, the same each time
    found: list[Resource] = []
    for n in range(patients):
        whose = {"reference": f"Patient/p{n}"}
        sex, day, hours = dice.choice(("male", "female")), dice.randint(1, 28), dice.randint(1, 200)
        month = dice.randint(1, 12)
        begins = f"2025-{month:02}-{day:02}T08:00:00Z"
        ends = datetime.fromtimestamp(datetime.fromisoformat(begins).timestamp() + 3600 * hours).astimezone()
        found += [
            {"resourceType": "Patient", "id": f"p{n}", "gender": sex, "birthDate": str(dice.randint(1930, 2020))},
            {"resourceType": "Encounter", "id": f"e{n}", "status": "finished", "class": {"code": "IMP"}, "subject": whose,
             "period": {"start": begins, "end": ends.isoformat()}},
            {"resourceType": "ServiceRequest", "id": f"o{n}", "status": "active", "intent": "order", "subject": whose,
             "authoredOn": begins},
        ]  # fmt: skip
        if dice.random() < (0.7 if sex == "male" else 0.8):
            found.append({
                "resourceType": "DiagnosticReport", "id": f"r{n}", "status": "final", "code": {"text": "x"},
                "subject": whose, "basedOn": [{"reference": f"ServiceRequest/o{n}"}], "issued": ends.isoformat(),
            })  # fmt: skip
    return found


def _written(house: House, made: Sequence[Resource]) -> None:
    record = house.hall(system("main")).record
    for start in range(0, len(made), AT_ONCE):
        part = made[start : start + AT_ONCE]
        record.write([Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in part])
    shipped.add(record)
    house.seat("main").home.wait(house.seat("main").home.tip())
    house.catch_up("main")


def _asked(house: House, made: Sequence[Resource]) -> Figures:
    hall, insight = house.hall(system("main"), "equity"), house.hall(system("main"), "insight")
    asked = measures.asked(hall.record, "orders-reported", 2025)
    board, board_seconds = _timed(lambda: equity.begun(hall, asked)())
    count, count_seconds = _timed(lambda: counting.begun(insight, asked)())
    first, last = "2025-01-01", "2025-12-31"
    told, told_seconds = _timed(lambda: operations.begun(insight, first, last)())
    sexes = {one["id"]: one["gender"] for one in made if one["resourceType"] == "Patient"}
    _same(
        {
            line["names"][0]: tuple(line["steps"])
            for one in board["dimensions"]
            if one["name"] == "sex"
            for line in one["lines"]
        },
        _by_sex(made, sexes),
    )
    reports = sum(1 for one in made if one["resourceType"] == "DiagnosticReport")
    _same(count.populations, (len(sexes), reports, reports))
    _same({row["kind"]: (row["visits"], round(row["median"], 6)) for row in told["stays"]}, _stays(made, first, last))
    seconds = {"equity seconds": board_seconds, "measure seconds": count_seconds, "operations seconds": told_seconds}
    slow = [name for name, value in seconds.items() if value >= SECOND]
    assert not slow, f"longer than {SECOND:g} s: {', '.join(slow)}"
    return {name: round(value, 2) for name, value in seconds.items()}


def _timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and the middle of three times."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        answer = ask()
        took.append(time.monotonic() - began)
    return answer, statistics.median(took)


def _by_sex(made: Sequence[Resource], sexes: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    whole = Counter(sexes.values())
    reported = Counter(
        sexes[one["subject"]["reference"].removeprefix("Patient/")]
        for one in made
        if one["resourceType"] == "DiagnosticReport"
    )
    return {sex: (whole[sex], reported[sex], reported[sex]) for sex in whole}


def _stays(made: Sequence[Resource], first: str, last: str) -> dict[str, tuple[int, float]]:
    periods = [one["period"] for one in made if one["resourceType"] == "Encounter"]
    days = [
        (datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"])).total_seconds() / 86_400
        for one in periods
        if first <= one["end"][:10] <= last
    ]
    return {"IMP": (len(days), round(statistics.median(days), 6))}


def _same(found: object, counted: object) -> None:
    assert found == counted, f"the board tells {found}, plain Python counts {counted}"


PROOFS = (
    Proof(
        "4.boards",
        "Each board answers within a second over a made lake, with the numbers that plain Python counts.",
        boards,
        ("resources",),
    ),
)
