"""`ValueSet/$validate-code` over HTTP at 64 connections, each audited durably, beside a bare server with a set in memory.

A loaded system of 100,000 concepts with a hierarchy, value sets of its branches in the record, and R4's own; yes and no.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from _http import HERE, RUNS, USERS, Bench, running
from onmaru.app.bench import Floor, Ours, Result
from onmaru.app.house import MAIN, House, Place, system
from onmaru.fhir.terminology.system import About
from onmaru.fhir.terminology.terminology import core
from onmaru.kernel.accounts import User
from onmaru.kernel.deliveries import Advance, Delivery, Fact, Link, Stage, Term
from onmaru.kernel.record import Change

URL = "urn:bench:codes"
BRANCHES = 50
R4 = ("observation-status", "administrative-gender", "condition-clinical", "request-status")


def run(quick: bool) -> Result:
    """The median of RUNS, ours and the floor turn about; the first thousand answers are checked."""
    count = 2_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as name:
        scratch = Path(name)
        place = Place(scratch / "home", scratch / "keys", scratch / "witness", "")
        load(place, scratch, count)
        asked = questions(scratch, count)
        bench: Any = SimpleNamespace(scratch=scratch, seconds=2 if quick else 10, place=place)
        ours, floors = [], []
        for _ in range(1 if quick else RUNS):
            with Bench.ours(bench) as address:
                right(scratch, address.removesuffix("/fhir"), asked)
                ours.append(Bench.wrk(bench, address, "validate-code"))
            with running(["python", str(HERE / "_floor_codes.py")], after=[str(scratch / "known")]) as address:
                floors.append(Bench.wrk(bench, address, "validate-code"))
    middle = sorted(ours)[len(ours) // 2]
    floor = statistics.median(one.rate for one in floors)
    return Result(
        "validate-code", Ours(middle.rate, middle.p50, middle.p99), Floor(floor), round(middle.rate / floor, 3)
    )


def load(place: Place, scratch: Path, count: int) -> None:
    """The system, its value sets and the users."""

    def facts(advance: Advance) -> Iterator[tuple[int, Fact]]:
        for number in range(1, count + 1):
            yield number, Term(f"c{number}", f"Concept {number}")
            if number > BRANCHES:
                yield number, Link(f"c{number}", f"c{number % BRANCHES + 1}" if number < 5000 else f"c{number // 50}")

    house = House(place, rooms=())
    about = About(URL, "1", "Bench", "Bench")
    house.terms(MAIN).load(Delivery(about, "bench", (Stage(Path("made"), 0, facts),)), lambda size: None)
    sets = [
        {
            "resourceType": "ValueSet",
            "id": f"v{branch}",
            "url": f"{URL}:{branch}",
            "status": "active",
            "compose": {
                "include": [{"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": f"c{branch}"}]}]
            },
        }
        for branch in range(1, BRANCHES + 1)
    ]
    house.hall(system(MAIN)).record.write(
        [Change("update", "ValueSet", one["id"], json.dumps(one).encode()) for one in sets]
    )
    tokens = []
    for number in range(USERS):
        user = User(MAIN, f"bench{number}", f"Bench {number}", ("system",))
        house.logins.keep_user(user)
        tokens.append(house.logins.issue(user, "")[0])
    (scratch / "tokens").write_text("\n".join(tokens))
    house.close()


def questions(scratch: Path, count: int) -> list[tuple[str, bool]]:
    """(path, right answer), 20,000 of them; what is in a set is worked out here, apart from the server."""
    above = {n: (n % BRANCHES + 1 if n < 5000 else n // 50) for n in range(BRANCHES + 1, count + 1)}
    dice, found, known = random.Random(3), [], []
    for _ in range(20_000):
        number, branch = dice.randrange(1, count + 1), dice.randrange(1, BRANCHES + 1)
        top = number
        while top > BRANCHES:
            top = above[top]
        branch = dice.choice((branch, top))
        found.append((f"{URL}:{branch}", URL, f"c{number}", branch == top))
    for name in R4:
        url = f"http://hl7.org/fhir/ValueSet/{name}"
        codes = core().codes(url, 1000) or ()
        found += [(url, system_, code, True) for system_, code in codes for _ in range(200)]
        found += [(url, system_, f"no-{code}", False) for system_, code in codes for _ in range(200)]
    known = [" ".join((url, system_, code)) for url, system_, code, yes in found if yes]
    (scratch / "known").write_text("\n".join(dict.fromkeys(known)))
    paths = [(f"/fhir/ValueSet/$validate-code?url={u}&system={s}&code={c}", yes) for u, s, c, yes in found]
    (scratch / "questions").write_text("\n".join(path for path, _ in paths))
    return paths


def right(scratch: Path, address: str, asked: list[tuple[str, bool]]) -> None:
    """Ask a thousand once: each answer is what was worked out by hand."""
    token = (scratch / "tokens").read_text().split("\n")[0]
    for path, yes in random.Random(5).sample(asked, 1000):
        request = urllib.request.Request(address + path, headers={"authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = json.loads(answer.read())
        assert told["parameter"][0]["valueBoolean"] is yes, (path, told)
