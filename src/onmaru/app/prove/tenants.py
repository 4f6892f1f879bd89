"""Proof that nobody gets at another tenant: all that a house answers, tried with another's token, with none, suspended."""

from __future__ import annotations

import json
import re
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, urlsplit

import click

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import House, Place, system
from onmaru.app.prove.apart import WORD, Names, Try, resources, tries
from onmaru.app.prove.fuzzing.surface import Surface, surface
from onmaru.app.prove.fuzzing.wire import Answer, Line
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.prove.victim import Victim
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Role
from onmaru.kernel.clients import Client
from onmaru.kernel.record import Change
from onmaru.kernel.tenancy import Tenancy

HERS, OTHER, CLOSED = "clinic", "other", "closed"
SECRET = WORD.encode()
LINES = 4
# Strangers beyond a few a second are answered together at its end
MANY = 200
# What differs between any two answers: times, positions and what was made for one
_CHANGING = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+\d\d:\d\d)|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{22}|\"(t|cursor|until|at|expires_at|secret|uri)\":\"?[^,}]*"
    r"|_cursor=[\w\-=]+"
)


class Refused(NamedTuple):
    """How a refusal looks, but for the request's own number."""

    status: int
    body: bytes
    headers: frozenset[tuple[str, str]]


class Houses:
    """One house with three tenants: hers, with something of everything in it; another; a suspended one."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        self.port = free_port()
        self.tokens: dict[tuple[str, str], str] = {}
        self.counted: Counter[str] = Counter()
        self._log = folder / "serve.log"
        stem = secrets.token_hex(6)
        self.hers = Names(f"clinic-{stem}", "clinickeeper", "", "", "", "")
        house = House(self.place, rooms=())
        for tenant in (HERS, OTHER, CLOSED):
            house.seat(tenant)
            for role in get_args(Role):
                patient = self.hers.id if tenant != OTHER else "own"
                user = User(tenant, role, role, (role,), patient=patient if role == "patient" else "")
                house.logins.keep_user(user)
                self.tokens[tenant, role] = house.logins.issue(user, "")[0]
        house.logins.keep_user(User(HERS, self.hers.user, WORD, ("nurse",)))
        client = Client(
            HERS, secrets.token_hex(12), WORD, "none", ("authorization_code",), "user/*.rs", ("https://hers.example/",)
        )
        house.logins.accounts.save_client(client)
        self.hers = self.hers._replace(client=client.id)
        for tenant in (HERS, CLOSED):
            record = house.hall(system(tenant)).record
            changes = [
                Change("update", one["resourceType"], one["id"], json.dumps(one, ensure_ascii=False).encode())
                for one in resources(self.hers)
            ]
            record.write(changes)
            house.seat(tenant).home.wait(house.seat(tenant).home.tip())
        house.tenancies.save(Tenancy(CLOSED, "suspended", reason="x"))
        house.close()

    def serve(self) -> Victim:
        """Begin."""
        victim = Victim(["serve"], environment(self.place, self.port), self._log)
        until_answered(self.port)
        return victim

    def ask(self, line: Line, tenant: str, one: Try, token: str) -> Answer:
        """One request at a tenant's address."""
        path = quote(f"/t/{tenant}{one.path}", safe="/?&=*:$_,.-|%")
        head = f"{one.method} {path} HTTP/1.1\r\nhost: house.example\r\n"
        head += f"content-type: {one.type}\r\ncontent-length: {len(one.body)}\r\n"
        head += f"authorization: Bearer {token}\r\n" if token else ""
        head += "prefer: respond-async\r\n" if one.later else ""
        return line.ask(head.encode() + b"\r\n" + one.body, bare=one.method == "HEAD")

    def begun(self) -> Surface:
        """Have a job, its files and a dead letter in hers; what the house answers."""
        line = Line(self.port)
        mine = self.tokens[HERS, "system"]
        export = self.ask(line, HERS, Try("", "GET", "/fhir/$export?_type=Patient,Observation", later=True), mine)
        job = export.header("content-location").rpartition("/")[2]
        assert job, f"no export was begun: {export.status}"
        while (told := self.ask(line, HERS, Try("", "GET", f"/fhir/$job/{job}"), mine)).status == 202:
            time.sleep(0.05)
        file = json.loads(told.body)["output"][0]["url"]
        address = urlsplit(file)
        name = f"{address.path.rpartition('/')[2]}?{address.query}"
        self.hers = self.hers._replace(job=job, file=name, letter=self.hers.id)
        kept = self.ask(line, HERS, Try("", "GET", f"/fhir/$job/{job}/{name}"), mine)
        assert kept.status == 200 and SECRET in kept.body, "her own file is not hers"
        return surface(json.loads(self.ask(line, HERS, Try("", "GET", "/fhir/metadata"), "").body))

    def nobodys(self) -> Names:
        """Names as long as hers, that nobody has."""
        other = {letter: chr(ord(letter) + 1) for letter in "abcde012345678"}
        job = "".join(other.get(one, one) for one in self.hers.job)
        return Names(
            self.hers.id.replace("clinic", "nobody"),
            "nobodykeeper",
            self.hers.letter.replace("clinic", "nobody"),
            job,
            self.hers.file,
            "".join(other.get(one, one) for one in self.hers.client),
        )

    def heads(self) -> dict[str, int]:
        """How many entries each tenant's log has."""
        house = House(self.place, rooms=())
        found = {tenant: house.seat(tenant).home.head() for tenant in (HERS, CLOSED)}
        house.close()
        return found


def at_once(work: Callable[[Line, Any], None], many: Sequence[Any], port: int, lines: int = LINES) -> None:
    """Do the work for each of them, over several lines."""
    left, turn, failed = iter(many), threading.Lock(), list[BaseException]()

    def run() -> None:
        line = Line(port)
        while not failed:
            with turn:
                one = next(left, None)
            if one is None:
                break
            try:
                work(line, one)
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits for all
                failed.append(error)
        line.close()

    threads = [threading.Thread(target=run) for _ in range(lines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def refused(houses: Houses, tenant: str, asked: Sequence[tuple[Try, str]], status: int, what: str) -> None:
    """All of them are refused, and alike on each surface."""
    seen: dict[str, set[Refused]] = {}
    turn = threading.Lock()

    def ask(line: Line, one: tuple[Try, str]) -> None:
        answer = houses.ask(line, tenant, *one)
        changing = ("x-request-id", "date")
        headers = frozenset((name, value) for name, value in answer.headers.items() if name not in changing)
        assert answer.status == status, f"{what}: {one[0].method} {one[0].path} was answered {answer.status}"
        with turn:
            houses.counted[f"{what}: {one[0].kind}"] += 1
            form = "fhir" if one[0].path.startswith("/fhir") else "else"
            seen.setdefault(form, set()).add(Refused(answer.status, answer.body, headers))

    at_once(ask, asked, houses.port, LINES if what == "another's token" else MANY)
    click.echo(f"{what}: {len(asked)} tried", err=True)
    alike = {form: len(looks) for form, looks in seen.items()}
    assert set(alike.values()) == {1}, f"{what}: refusals differ: {alike}"
    assert not any(SECRET in one.body for looks in seen.values() for one in looks)


def named(houses: Houses, found: Surface) -> None:
    """At the other's own address a name of hers answers as one that nobody has."""
    nobodys = houses.nobodys()
    pairs = list(zip(tries(found, houses.hers), tries(found, nobodys), strict=True))
    reading = [pair for pair in pairs if pair[0].method in ("GET", "HEAD")]
    writing = [pair for pair in pairs if pair[0].method not in ("GET", "HEAD")]
    turn = threading.Lock()

    def ask(line: Line, pair: tuple[Try, Try]) -> None:
        token = houses.tokens[OTHER, "admin" if pair[0].path.startswith("/api") else "system"]
        if pair[0].path.endswith("/events"):
            return
        one, two = (houses.ask(line, OTHER, asked, token) for asked in pair)
        assert 0 < one.status < 500, f"{pair[0].method} {pair[0].path} was answered {one.status}"
        told = _plain(one, houses.hers), _plain(two, nobodys)
        # What was written, is noted in the trail, or stands so at a moment, is another's each time
        if pair[0].method != "GET" or any(name in pair[0].path for name in ("audit", "export", "operating")):
            told = told[0][:1], told[1][:1]
        assert told[0] == told[1], f"a name of hers is known: {pair[0].method} {pair[0].path}"
        # A trail tells what was asked there, for her name too
        own = WORD in pair[0].path or "/audit" in pair[0].path
        assert own or SECRET not in one.body, f"her secret is told: {pair[0].path}"
        with turn:
            houses.counted[f"her names at another's address: {pair[0].kind}"] += 1

    at_once(ask, reading, houses.port)
    for pair in writing:
        line = Line(houses.port)
        ask(line, pair)
        line.close()


def _plain(answer: Answer, names: Names) -> tuple[Any, ...]:
    text = answer.body.decode("utf-8", "replace")
    for name in names:
        text = text.replace(name, "~") if name else text
    return answer.status, _CHANGING.sub("~", text)


def trails(houses: Houses, tried: int, strangers: int) -> Figures:
    """Each denial is a row of the tenant whose door it was, and of no other."""
    house = House(houses.place, rooms=())
    counted: Counter[tuple[str, str, str]] = Counter()
    for tenant in (HERS, OTHER, CLOSED):
        for row in _rows(house, tenant):
            reason, _, many = row.reason.partition(" x")
            counted[tenant, reason, row.user.partition("/")[0] if "/" in row.user else ""] += int(many or 1)
    house.close()
    assert counted[HERS, "tenant", OTHER] == tried, f"{counted[HERS, 'tenant', OTHER]} rows of {tried} denials"
    assert counted[HERS, "unauthenticated", ""] == strangers, "a stranger's denial has no row"
    assert not counted[OTHER, "tenant", HERS] and not any(
        reason == "tenant" for at, reason, _ in counted if at == OTHER
    )
    assert counted[CLOSED, "suspended", ""] > 0
    return {f"rows in {tenant}: {reason}": count for (tenant, reason, _), count in sorted(counted.items()) if reason}


def _rows(house: House, tenant: str) -> Iterator[Any]:
    trail = house.seat(tenant).home.trail if tenant != CLOSED else None
    if trail is None:
        house.tenancies.save(Tenancy(CLOSED))
        trail = house.seat(tenant).home.trail
    while trail.follow():
        continue
    before = 0
    while page := trail.page(before=before, count=1000):
        yield from (row for _, row in page)
        before = page[-1][0]
        if before <= 1:
            return


def tenants() -> Figures:
    """Try all of it."""
    with tempfile.TemporaryDirectory(prefix="onmaru-tenants-") as scratch:
        houses = Houses(Path(scratch))
        victim = houses.serve()
        try:
            found = houses.begun()
            every = list(tries(found, houses.hers))
            roles = get_args(Role)
            stranger = [(one, houses.tokens[OTHER, "system"]) for one in every]
            stranger += [(one, houses.tokens[OTHER, roles[n % len(roles)]]) for n, one in enumerate(every[::3])]
            nobody = [(one, "") for one in every] + [(one, secrets.token_urlsafe(32)) for one in every[::5]]
            house = [(one, houses.tokens[CLOSED, "system"]) for one in every[::2]]
            house += [(one, houses.tokens[OTHER, "system"]) for one in every[::5]] + [(one, "") for one in every[::5]]
            line = Line(houses.port)
            before = houses.ask(line, HERS, Try("", "GET", "/fhir/_history"), houses.tokens[HERS, "system"])
            refused(houses, HERS, stranger, 403, "another's token")
            refused(houses, HERS, nobody, 401, "no token")
            refused(houses, CLOSED, house, 403, "suspended")
            after = houses.ask(line, HERS, Try("", "GET", "/fhir/_history"), houses.tokens[HERS, "system"])
            assert json.loads(before.body).get("total") == json.loads(after.body).get("total")
            named(houses, found)
            assert victim.running(), "the server ended"
        finally:
            victim.kill()
        told = trails(houses, len(stranger), len(nobody))
        return {
            "routes": len(found.routes),
            "tries": sum(houses.counted.values()),
            **dict(sorted(houses.counted.items())),
            **told,
        }


PROOFS = (
    Proof(
        "3.tenants",
        "Every route, operation, search, include, job and file of a tenant, tried with another's token, with none and while "
        "it is suspended, is refused alike; its names mean nothing elsewhere; each denial is in the right trail.",
        tenants,
    ),
)
