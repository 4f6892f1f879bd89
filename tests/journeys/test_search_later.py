"""A search over its budget is answered later: part by part, for what whoever asked may see when a page is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bulk_house import LATER, BulkHouse, run

from onmaru.app.bulk import desk
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.search import cost, parse
from onmaru.fhir.search.parting import check_parts, parted, parts

YEARS = ",".join(f"ge{year}" for year in range(2000, 2020))
COSTLY = f"Patient?birthdate={YEARS}&_sort=-birthdate&_count=4"


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a record of any size no more than sixteen passes are granted."""
    monkeypatch.setattr(cost, "MOST_ROWS", 0)


def filled(house: BulkHouse) -> None:
    people = [
        {"resourceType": "Patient", "id": f"p{number}", "birthDate": f"{1995 + number}-01-01"} for number in range(12)
    ]
    house.put(*people, {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "x"},
                        "subject": {"reference": "Patient/p9"}})  # fmt: skip


def ids(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def test_a_costly_search_is_begun_looked_at_paged_and_removed(tmp_path: Path) -> None:
    async def walked(house: BulkHouse) -> None:
        filled(house)
        refused = await house.ask("GET", COSTLY)
        assert (refused.status, refused.issues[0]["code"]) == (400, "too-costly")
        quick = await house.ask("GET", "Patient?birthdate=ge2000", headers=LATER)
        assert quick.status == 200, "what costs little is answered at once"
        url = await house.begun(f"{COSTLY}&_revinclude=Observation:subject")
        answer = await house.ended(url)
        assert answer.status == 200 and answer.headers["content-type"].startswith("application/fhir+json")
        (entry,) = answer.json["entry"]
        assert (answer.json["type"], entry["response"]["status"]) == ("batch-response", "200 OK")
        first = entry["resource"]
        assert (first["type"], first["total"]) == ("searchset", 7)
        assert ids(first) == ["p11", "p10", "p9", "p8", "o1"]
        assert first["entry"][-1]["search"]["mode"] == "include"
        following = first["link"][1]["url"]
        rest = await house.ask("GET", following)
        assert ids(rest.json) == ["p7", "p6", "p5"] and len(rest.json["link"]) == 1
        assert (await house.ask("GET", f"{url}?page=3")).status == 404
        assert (await house.ask("GET", f"{url}?page=x")).status == 400
        other = house.issue("other", "data-manager")
        assert (await house.ask("GET", url, token=other)).status == 404
        assert (await house.ask("DELETE", url)).status == 202
        assert (await house.ask("GET", url)).status == 404

    run(tmp_path, walked)


def test_each_page_shows_what_may_be_seen_when_it_is_fetched(tmp_path: Path) -> None:
    async def walked(house: BulkHouse) -> None:
        filled(house)
        nurse = house.issue("kim", "nurse")
        url = await house.begun(COSTLY, token=nurse)
        assert (await house.ended(url, nurse)).json["entry"][0]["resource"]["total"] == 7
        house.put(
            {"resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": "Patient/p10"},
             "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "동의"}],
             "policyRule": {"text": "거부"}, "provision": {"type": "deny"}}
        )  # fmt: skip
        later = (await house.ask("GET", url, token=nurse)).json["entry"][0]["resource"]
        assert (ids(later), later["total"]) == (["p11", "p9", "p8"], 6)
        weak = house.issue("reg", "researcher")
        refused = await house.ask("GET", COSTLY, headers=LATER, token=weak)
        assert refused.status == 403

    run(tmp_path, walked)


def test_a_user_has_only_so_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "SEARCHES", 2)

    async def walked(house: BulkHouse) -> None:
        filled(house)
        nurse = house.issue("kim", "nurse")
        urls = [await house.begun(COSTLY, token=nurse) for _ in range(2)]
        refused = await house.ask("GET", COSTLY, headers=LATER, token=nurse)
        assert (refused.status, refused.issues[0]["code"]) == (429, "throttled")
        await house.begun(COSTLY)
        await house.ended(urls[0], nurse)
        assert (await house.ask("DELETE", urls[0], token=nurse)).status == 202
        await house.begun(COSTLY, token=nurse)

    run(tmp_path, walked)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"birthdate={YEARS}", 20),
        (f"birthdate={YEARS}&gender=male", 21),
        (f"_has:Observation:subject:date={YEARS}", 20),
        (f"general-practitioner:Practitioner.name:contains={','.join('abcdefghijklmnopqrst')}", 20),
        ("gender=male", 1),
    ],
)
def test_a_search_is_parted_by_its_alternatives_and_each_is_within_the_budget(query: str, count: int) -> None:
    parsed = parse(("Patient",), [tuple(one.split("=", 1)) for one in query.split("&")])  # type: ignore[misc]
    found = parts(parsed)
    assert sum(map(len, found)) == count
    for one in (one for some in found for one in some):
        cost.check(one, 10**9)


def test_what_cannot_be_parted_stays_refused() -> None:
    negated = parse(("Observation",), [("_content", " ".join(f"단어{number}" for number in range(40)))])
    with pytest.raises(Invalid) as refused:
        check_parts(negated, 10**9)
    assert refused.value.issues[0].code == "too-costly"
    assert list(parted(negated.clauses[0])) == list(negated.clauses)
