"""The tokens of SMART apps on every route of the gate's matrix: they open no more than their user, and nothing unasked."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from tests.journeys.test_gate_matrix import ROWS, Gatehouse

from onmaru.kernel.accounts import Grant
from onmaru.kernel.clients import Client


class Kind(NamedTuple):
    """A token of a physician's app: its resource scopes and the patient it is bound to."""

    scopes: str
    patient: str = ""


# Each must see nothing of patient p1, whom its physician sees whole
KINDS = {
    "of another patient": Kind("patient/*.rs", "p2"),
    "of a search that finds nothing": Kind("user/Observation.rs?code=none user/Encounter.rs?status=planned"),
    "without a resource scope": Kind(""),
}
# Answers that only tell of the caller itself, or end the token
OWN = frozenset({"me", "logout", "second-factor", "why", "FHIRPath"})


def held(gate: Gatehouse, kind: Kind) -> str:
    house = gate.house
    house.accounts.save_client(
        Client("main", "app", "app", "none", ("authorization_code",), "", ("https://a.example/",))
    )
    now, secret = house.clock.now, "secret of an app"
    ends = now + 3_600_000_000
    grant = Grant(house.logins.hash(secret), "token", "main", "a-physician", now, ends, kind.scopes, client="app")
    house.accounts.save_grant(msgspec.structs.replace(grant, patient=kind.patient, family="f"))
    return secret


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_no_route_shows_an_app_what_its_token_does_not_give(tmp_path: Path, kind: Kind) -> None:
    gate = Gatehouse(tmp_path, "memory")
    gate.tokens["app"] = held(gate, kind)
    head = gate.house.tenants["main"].log.head()
    gate.house.rows()
    for row in ROWS:
        if row.name in OWN:
            continue
        answer = gate.ask(row, "app")
        added = gate.house.added()
        assert gate.house.tenants["main"].log.head() == head, f"{row.method} {row.name}: something was written"
        assert answer.status != 401, f"{row.method} {row.name}"
        shown = [name for name in (b'"o1"', b'"o2"', b'"v1"', b'"e1"', b'"8310-5"') if name in answer.body]
        assert not shown, f"{row.method} {row.name}: {answer.body[:300]!r}"
        if row.url.startswith("/fhir"):
            assert added, f"{row.method} {row.name}: no audit row"
        elif row.url.startswith("/api"):
            assert answer.status in (403, 404), f"{row.method} {row.name}: {answer.status} {answer.body!r}"
    gate.house.close()


@pytest.mark.parametrize("kind", ["code", "refresh", "launch", "visit", "invite"])
def test_what_is_exchanged_for_a_token_is_none(tmp_path: Path, kind: str) -> None:
    gate = Gatehouse(tmp_path, "memory")
    now = gate.house.clock.now
    key = gate.house.logins.hash("some secret")
    made = Grant(key, kind, "main", "a-system", now, now + 3_600_000_000)  # type: ignore[arg-type]  # each in turn
    gate.house.accounts.save_grant(made)
    gate.tokens["app"] = "some secret"
    # Each is refused before its route is looked at: all rows once, then some of each kind
    for row in ROWS if kind == "code" else ROWS[::8]:
        assert gate.ask(row, "app").status == 401, row.name
    session = {"cookie": "onmaru=some secret"}
    assert gate.house.ask("GET", "/fhir/Observation/o1", b"", session).status == 401
    gate.house.close()
