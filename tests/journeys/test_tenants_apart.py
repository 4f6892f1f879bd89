"""Every route of every table, with another tenant's token and with another tenant's names: nothing of one is in the other.

The routes are read off the tables, so one that is added is tried with no change here.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from tests.served import Served, admission
from tests.web_house import House as WebHouse

from onmaru.app.house import House, place
from onmaru.app.rooms import all_rooms
from onmaru.kernel.accounts import User
from onmaru.web.api.surface import ROUTES
from onmaru.web.fhir import terms
from onmaru.web.fhir.routes import OFFERED

WORD = "비밀누설"
SECRET = WORD.encode()
# Ids of the clinic's, and as long ones that nobody has
HERS = {"id": "clinic-1a2b3c4d", "name": "clinickeeper", "letter": ""}
NOBODYS = {"id": "nobody-9z8y7x6w", "name": "nobodykeeper", "letter": ""}
TOKENS = ("system", "data-manager", "admin", "physician")
KINDS = ("Patient", "Observation")
# What a search is asked with, to get at what a name stands for
QUERIES = (
    "_id={id}",
    "_include=*&_revinclude=*",
    "_has:Observation:subject:_id={id}&_summary=count",
    f"subject:Patient.name={WORD}",
    "subject=Patient/{id}&_include=*",
    "_cursor={cursor}",
    "_total=accurate",
)
# A page of another tenant's search, and its names, as long as those that are made up
CURSOR = "AAAAAAAAAAAAAAAAAAAAAA"


class Asked(NamedTuple):
    """One request below a tenant's address."""

    method: str
    path: str
    body: Any = None


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def fhir_routes(folder: Path) -> list[tuple[str, str]]:
    """(method, shape) of every interaction."""
    house = WebHouse(folder)
    found = [(method, shape) for shape, methods in house.application._fhir.routes.items() for method in methods]
    house.close()
    return found


def shaped(shape: str, names: dict[str, str]) -> Iterator[str]:
    """The paths that a shape stands for."""
    parts = shape.split("/")
    kinds = sorted(OFFERED.get(shape) or KINDS) if "T" in parts else [""]
    for kind in kinds[:2]:
        choices = {
            "T": [kind],
            "I": [names["id"]],
            "V": ["1"],
            "C": ["*", "Observation"],
            "$terms": sorted(terms.NAMES),
        }
        for chosen in itertools.product(*(choices.get(part, [part]) for part in parts)):
            yield "/".join(chosen)


def requests(routes: list[tuple[str, str]], names: dict[str, str]) -> Iterator[Asked]:
    """Every route, with these names in its path, its query and its body."""
    person = {"reference": f"Patient/{names['id']}"}
    for method, path in dict.fromkeys((method, path) for method, shape in routes for path in shaped(shape, names)):
        kind = path.partition("/")[0]
        made = {"resourceType": kind or "Bundle", "subject": person}
        if kind == "Patient" and method == "PUT":
            made = {"resourceType": "Patient", "id": names["id"]}
        yield Asked(method, f"/fhir/{path}".rstrip("/"), None if method == "GET" else made)
        for query in QUERIES if method == "GET" and path in (*KINDS, "", f"Patient/{names['id']}/*") else ():
            yield Asked(method, f"/fhir/{path}?{query.format(cursor=CURSOR, **names)}")
    for method, path, _, _ in ROUTES:
        if path != "logout":
            filled = re.sub(r"\{(\w+)\}", lambda found: names["name" if found[1] in ("user", "client") else "id"], path)
            yield Asked(
                method, f"/api/{filled}", None if method == "GET" else {"user": names["name"], "patient": names["id"]}
            )
    for asked in ("why?resource=Patient/{id}", "audit?patient={id}", "audit?user={name}", "dead-letters/{letter}"):
        yield Asked("GET", f"/api/{asked.format(**names)}")
    for room in all_rooms():
        for route in room.routes:
            filled = re.sub(r"\{(\w+)\}", lambda found: "Patient" if found[1] == "type" else names["id"], route.path)
            yield Asked(route.method, f"/rooms/{room.name}{filled}", None if route.method == "GET" else {})
            yield Asked(route.method, f"/rooms/{room.name}{filled}?q={WORD}", None if route.method == "GET" else {})


class Two:
    """The tenants clinic, with patients, letters and apps, and other, whose tokens are tried."""

    def __init__(self, folder: Path) -> None:
        self.served = Served(folder, '[[mllp.peer]]\nname = "c"\naddress = "127.0.0.0/8"\ntenant = "clinic"\n')
        self.routes = fhir_routes(folder)
        house = House(place(self.served.environ), rooms=())
        self.tokens = {}
        for tenant in ("clinic", "other"):
            house.seat(tenant)
            for role in TOKENS:
                user = User(tenant, HERS["name"] if (tenant, role) == ("clinic", "admin") else role, WORD, (role,))  # type: ignore[arg-type]
                house.logins.keep_user(user if tenant == "clinic" else User(tenant, role, role, (role,)))  # type: ignore[arg-type]
                self.tokens[tenant, role] = house.logins.issue(user, "")[0]
        house.close()

    def begin(self) -> None:
        """Fill the clinic."""
        self.line = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=20)
        about = {"subject": {"reference": f"Patient/{HERS['id']}"}}
        code = {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": WORD}
        for made in (
            {"resourceType": "Patient", "name": [{"text": WORD, "family": WORD}], "birthDate": "1980-01-01"},
            {"resourceType": "Observation", "status": "final", "code": code, **about},
            {"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP", "display": WORD}, **about},
            {"resourceType": "Task", "status": "draft", "intent": "order", "description": WORD},
            {"resourceType": "Basic", "code": {"text": WORD}, **about},
        ):
            asked = Asked("PUT", f"/fhir/{made['resourceType']}/{HERS['id']}", {**made, "id": HERS["id"]})
            assert self.ask("/t/clinic", asked, self.tokens["clinic", "data-manager"]).status == 201
        self.served.send(admission().replace("홍^길동".encode(), SECRET), b"MSH|^~\\&|A|B|C|D|x||ADT^A01|" + SECRET)
        found = self.ask("/t/clinic", Asked("GET", "/api/dead-letters"), self.tokens["clinic", "data-manager"])
        self.routes += self.declared()
        HERS["letter"] = json.loads(found.body)["items"][0]["id"]
        NOBODYS["letter"] = "0" * len(HERS["letter"])

    def declared(self) -> list[tuple[str, str]]:
        """(method, shape) of every operation that the CapabilityStatement tells of, whatever table it is in."""
        told = json.loads(self.ask("/t/clinic", Asked("GET", "/fhir/metadata"), "").body)["rest"][0]
        shapes = {f"${one['name']}" for one in told.get("operation", ())}
        for resource in told["resource"]:
            if resource["type"] in (*KINDS, "Group"):
                names = [one["name"] for one in resource.get("operation", ())]
                shapes |= {f"{resource['type']}/{rest}${name}" for name in names for rest in ("", "I/")}
        return [(method, shape) for shape in sorted(shapes) for method in ("GET", "POST")]

    def ask(self, prefix: str, asked: Asked, token: str, more: Mapping[str, str] | None = None) -> Told:
        """One request on the one connection."""
        kind = "application/fhir+json" if asked.path.startswith("/fhir") else "application/json"
        body = None if asked.body is None else json.dumps(asked.body)
        if asked.path.startswith("/oauth"):
            kind, body = "application/x-www-form-urlencoded", urlencode(asked.body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, **(more or {})}
        self.line.request(asked.method, quote(prefix + asked.path, safe="/?&=*:$_,.-"), body, headers)
        answer = self.line.getresponse()
        return Told(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def head(self) -> int:
        """How many entries the clinic's log has."""
        told = self.ask("/t/clinic", Asked("GET", "/fhir/_history"), self.tokens["clinic", "data-manager"])
        return len(json.loads(told.body)["entry"])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    made = Two(tmp_path_factory.mktemp("apart"))
    with made.served:
        made.begin()
        yield made
        made.line.close()


def test_every_route_refuses_the_token_of_another_tenant_and_notes_it(two: Two) -> None:
    before, tried, wrong = two.head(), 0, []
    for asked in requests(two.routes, HERS):
        if asked.path == "/api/login":
            continue
        for role in TOKENS if asked.path.endswith(("/users", "/tenants")) else TOKENS[:1]:
            told = two.ask("/t/clinic", asked, two.tokens["other", role])
            tried += 1
            if told.status != 403 or SECRET in told.body:
                wrong.append((asked, role, told.status, told.body[:100]))
    assert not wrong, wrong[:5]
    assert tried > 150 and two.head() == before
    audit = two.ask("/t/clinic", Asked("GET", "/api/audit?user=other/system"), two.tokens["clinic", "data-manager"])
    rows = json.loads(audit.body)["items"]
    assert len(rows) == 50 and {(row["outcome"], row["reason"]) for row in rows} == {("denied", "tenant")}


def plain(told: Told, names: dict[str, str]) -> tuple[int, str]:
    """An answer without the names that it was asked with, and what differs between any two requests."""
    text = told.body.decode()
    for name in names.values():
        text = text.replace(name, "~")
    changing = (
        r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+\d\d:\d\d)|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{22}"
        r"|\"(t|cursor|until|at|free|behind|witness)\":\"?\d*"
    )
    return told.status, re.sub(changing, "~", text)


def test_a_name_of_another_tenants_answers_like_one_that_nobody_has(two: Two) -> None:
    """At the asker's own address: ids, users, letters and cursors of the clinic's mean nothing there."""
    both = list(zip(requests(two.routes, HERS), requests(two.routes, NOBODYS), strict=True))
    wrong, tried = [], 0
    # What only reads first, so that nothing is written between the two of a pair
    for hers, nobodys in sorted(both, key=lambda pair: pair[0].method not in ("GET", "HEAD")):
        token = two.tokens["other", "admin" if hers.path.startswith("/api") else "system"]
        pair = [two.ask("/t/other", asked, token) for asked in (hers, nobodys)]
        tried += 1
        told = [plain(pair[0], HERS), plain(pair[1], NOBODYS)]
        if hers.method != "GET" or hers.path.startswith("/api/audit"):
            told = [one[:1] for one in told]
        if told[0] != told[1] or told[0][0] >= 500 or (SECRET in pair[0].body and WORD not in hers.path):
            wrong.append((hers, told))
    assert not wrong, wrong[:3]
    assert tried > 150
    # What was written meanwhile refers to the clinic's patient by its id
    for hers, _ in both:
        if hers.method == "GET" and "include" in hers.path and WORD not in hers.path:
            told = two.ask("/t/other", hers, two.tokens["other", "system"])
            assert told.status < 500 and SECRET not in told.body, hers


def test_another_tenants_job_is_neither_seen_nor_ended_nor_fetched(two: Two) -> None:
    begun: list[str] = []
    for asked in requests(two.routes, HERS):
        if asked.method == "GET" and "$" in asked.path and "?" not in asked.path:
            told = two.ask("/t/clinic", asked, two.tokens["clinic", "system"], {"Prefer": "respond-async"})
            begun += [told.headers["content-location"]] if told.status == 202 else []
    assert bool(begun) == any(shape == "$export" for _, shape in two.routes)
    for address in begun:
        path = address.partition(str(two.served.port))[2]
        for method, token in itertools.product(("GET", "DELETE"), TOKENS):
            assert two.ask("", Asked(method, path), two.tokens["other", token]).status == 403
            assert two.ask(
                "", Asked(method, path.replace("/t/clinic", "/t/other")), two.tokens["other", token]
            ).status in (403, 404)
        for _ in range(100):
            told = two.ask("", Asked("GET", path), two.tokens["clinic", "system"])
            if told.status != 202:
                break
            time.sleep(0.05)
        assert told.status == 200, "its own tenant still has it"
        for output in json.loads(told.body)["output"]:
            file = output["url"].partition(str(two.served.port))[2]
            assert SECRET not in two.ask("", Asked("GET", file), two.tokens["other", "system"]).body
            swapped = two.ask("", Asked("GET", file.replace("/t/clinic", "/t/other")), two.tokens["other", "system"])
            assert swapped.status >= 400 and SECRET not in swapped.body


def test_an_event_stream_tells_of_its_own_tenant_alone(two: Two) -> None:
    line = http.client.HTTPConnection("127.0.0.1", two.served.port, timeout=20)
    line.request("GET", "/t/other/api/events", headers={"Authorization": f"Bearer {two.tokens['other', 'system']}"})
    events = line.getresponse()
    assert events.readline() == b"retry: 2000\n" and events.readline() == b"\n"
    for prefix, id in (("/t/clinic", HERS["id"]), ("/t/other", "own-patient")):
        made = {"resourceType": "Patient", "id": id, "birthDate": "1981-01-01"}
        token = two.tokens[prefix[3:], "data-manager"]
        assert two.ask(prefix, Asked("PUT", f"/fhir/Patient/{id}", made), token).status in (200, 201)
    told = b"".join(events.readline() for _ in range(3))
    assert b"own-patient" in told and HERS["id"].encode() not in told
    line.close()


def test_a_token_shown_to_another_tenants_endpoints_is_unknown_there_and_stands(two: Two) -> None:
    for path in ("introspect", "revoke", "token"):
        for given in ({"token": two.tokens["clinic", "system"]}, {"grant_type": "refresh_token", "refresh_token": "x"}):
            told = two.ask("/t/other", Asked("POST", f"/oauth/{path}", given), two.tokens["other", "system"])
            assert SECRET not in told.body and b'"active":true' not in told.body
    assert two.ask("/t/clinic", Asked("GET", "/api/me"), two.tokens["clinic", "system"]).status == 200
