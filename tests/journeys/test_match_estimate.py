"""`$match` with weights learnt from made duplicates: typos, names in two scripts, twins; deterministic and kept as data."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import House

from onmaru.fhir import linkage_em
from onmaru.fhir.linkage import Field, chance, compared, grade, person, weights
from onmaru.fhir.linkage_em import FIELDS, Said, estimated, fitted
from onmaru.kernel.erasure import driven

GIVEN = [a + b for a in ("민", "서", "도", "지", "하") for b in ("준", "윤", "우", "아")]
FAMILY = ["김", "이", "박", "최", "정", "강", "조", "윤", "장", "임"]


@pytest.fixture(autouse=True)
def few_chance_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linkage_em, "CHANCE", 4_000)


def made(chance: random.Random, id: str) -> dict[str, Any]:
    born = f"{chance.randrange(1940, 2020)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    name = {"family": chance.choice(FAMILY), "given": [chance.choice(GIVEN)]}
    return {
        "resourceType": "Patient", "id": id, "name": [name], "birthDate": born,
        "gender": chance.choice(["male", "female"]),
        "telecom": [{"system": "phone", "value": f"010-{chance.randrange(10**4):04}-{chance.randrange(10**4):04}"}],
        "identifier": [{"system": "urn:mrn", "value": id}],
    }  # fmt: skip


def again(chance: random.Random, one: dict[str, Any], id: str) -> dict[str, Any]:
    """A second record of one person: one in five has another name, one in ten another sex, one in twenty another birth."""
    copy = {**one, "id": id, "identifier": [{"system": "urn:other", "value": id}]}
    if chance.random() < 0.2:
        copy["name"] = [{"family": one["name"][0]["family"], "given": ["개명"]}]
    if chance.random() < 0.1:
        copy["gender"] = "female" if one["gender"] == "male" else "male"
    if chance.random() < 0.05:
        copy["birthDate"] = "1930-01-01"
    return copy


def town(people: int, seed: int = 7) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    first = [made(draw, f"p{number}") for number in range(people)]
    return [*first, *(again(draw, one, f"{one['id']}-2") for one in first[: people // 2])]


def test_figures_that_patterns_were_made_of_are_found_again() -> None:
    share, m, u = 0.3, (0.8, 0.9, 0.97), (0.02, 0.01, 0.5)
    patterns: Counter[Said] = Counter()
    for said in product((True, False), repeat=3):
        same, other = share, 1 - share
        for place, agrees in enumerate(said):
            same *= m[place] if agrees else 1 - m[place]
            other *= u[place] if agrees else 1 - u[place]
        patterns[said] = round(1_000_000 * (same + other))
    found = fitted(patterns, u)
    assert found.share == pytest.approx(share, abs=0.001) and list(found.m) == pytest.approx(m, abs=0.002)
    unsaid = fitted({(True, None, True): 9, (False, None, False): 9}, u)
    assert unsaid.m[1] == 0.9, "of what nothing was said nothing is learnt"


def test_what_duplicates_do_is_learnt_alike_each_time_and_too_few_teach_nothing() -> None:
    people = [person(one) for one in town(240)]
    found = driven(estimated(people))
    assert found == driven(estimated(people))
    assert found.m["name"] == pytest.approx(0.8, abs=0.06) and found.m["gender"] == pytest.approx(0.9, abs=0.05)
    assert found.m["birthDate"] == pytest.approx(0.95, abs=0.04)
    assert "identifier" not in found.m, "two systems contradict nobody"
    few = driven(estimated(people[:20]))
    assert few.m == {} and few.people == 20 and set(few.pairs) == set(FIELDS)
    assert driven(estimated([])).people == 0


BIRTH = {"birthDate": "2015-03-04", "gender": "male", "telecom": [{"system": "phone", "value": "010-1111-2222"}]}
KIM = {**BIRTH, "name": [{"text": "김민수"}]}


@pytest.mark.parametrize(
    ("other", "graded"),
    [
        (KIM, {"certain"}),
        ({**BIRTH, "name": [{"text": "김민준"}]}, {"probable"}),  # a twin
        ({**BIRTH, "name": [{"text": "김하은"}]}, {"probable", "possible", "certainly-not"}),
        ({**BIRTH, "name": [{"text": "Kim Minsu"}]}, {"probable"}),
        ({**KIM, "birthDate": "2015-04-03"}, {"certain"}),  # day and month changed round; the number agrees
        ({**BIRTH, "name": [{"text": "김민스"}], "telecom": []}, {"possible", "probable"}),
    ],
)
def test_twins_and_names_in_two_scripts_are_never_certain(other: dict[str, Any], graded: set[str]) -> None:
    for m in ({}, {"name": 0.8, "birthDate": 0.97}):
        said = compared(person(KIM), person(other))
        rare: dict[Field, float] = {"phone": 1e-4, "name": 1e-3, "birthDate": 1e-4, "gender": 0.5}
        likely = chance(said, lambda field, rare=rare: rare[field], 10_000, m)  # type: ignore[misc]
        assert grade(likely, said) in graded, (said, likely)


def test_an_estimate_is_kept_as_data_and_weighs_the_next_question(tmp_path: Path) -> None:
    house = House(tmp_path, engine="sqlite")
    token = house.token("loader", "system")
    entries = [
        {"request": {"method": "PUT", "url": f"Patient/{one['id']}"}, "resource": one} for one in town(130, seed=3)
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert house.ask("POST", "/fhir", body, {}, token).status == 200
    asked = {**town(130, seed=3)[0], "identifier": [], "name": [{"text": "전혀다름"}]}

    def score() -> float:
        found = house.ask("POST", "/fhir/Patient/$match", asked, {}, token).json["entry"]
        return next(float(one["search"]["score"]) for one in found if one["resource"]["id"] == "p0")

    before = score()
    first = house.ask("POST", "/fhir/Patient/$match-estimate", b"", {}, token)
    assert first.status == 200 and first.json["url"] == "urn:onmaru:match-weights", first.body
    told = {one["code"]: {p["code"]: p for p in one["property"]} for one in first.json["concept"]}
    assert (
        told["name"]["basis"]["valueString"] == "estimated" and told["identifier"]["basis"]["valueString"] == "default"
    )
    assert told["identifier"]["m"]["valueDecimal"] == weights().m
    assert "195 patients" in first.json["description"]
    assert score() > before, "where names often change, another name speaks less against"
    second = house.ask("POST", "/fhir/Patient/$match-estimate", b"", {}, token)
    assert second.json["id"] == first.json["id"] and second.json["concept"] == first.json["concept"]
    assert house.ask("POST", "/fhir/Patient/$match-estimate", b"", {}, house.token("n", "nurse")).status == 403
    house.close()
