"""Tenants over the command line and HTTP, beside a running server and without one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace
from tests.served import Served, admission, code

from onmaru.app import cli
from onmaru.app.destroying import finish_all
from onmaru.app.house import House, place
from onmaru.app.keeping import Keeping, at_the_keyboard
from onmaru.app.refusal import Refusal
from onmaru.engines.keyring import KeyLost
from onmaru.engines.whole.reading import Reader
from onmaru.kernel.accounts import User
from onmaru.kernel.tenancy import Act

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"text": "홍길동"}]}
SETTINGS = '[[mllp.peer]]\nname = "clinic"\naddress = "127.0.0.0/8"\ntenant = "clinic"\n'


class Walk:
    """A house with tenants main, clinic and house, and a token for each."""

    def __init__(self, folder: Path) -> None:
        self.served = Served(folder)
        self.headers: Any = {}
        self.folder = folder
        (self.served.home / "onmaru.toml").write_text(SETTINGS, "utf-8")
        house = House(place(self.served.environ), rooms=())
        for name in ("clinic", "house"):
            Keeping(house).do(at_the_keyboard(), Act("add", name))
        self.tokens = {}
        for tenant, user, role in (("main", "root", "admin"), ("clinic", "keeper", "data-manager"),
                                   ("clinic", "boss", "admin"), ("house", "operator", "admin")):  # fmt: skip
            made = User(tenant, user, user, (role,))  # type: ignore[arg-type]
            house.logins.keep_user(made)
            self.tokens[f"{tenant}/{user}"] = house.logins.issue(made, "")[0]
        house.close()

    def ask(self, method: str, path: str, body: Any = None, token: str = "clinic/keeper") -> tuple[int, Any]:
        """One request: status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.served.port}{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {self.tokens[token]}")
        request.add_header("Content-Type", "application/fhir+json" if "/fhir" in path else "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status), json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            self.headers = error.headers
            return error.code, json.loads(error.read() or b"null")

    def command(self, *args: str) -> tuple[int, list[Any]]:
        """A command of this house, run in this process: its status and the lines that it printed."""
        said = io.StringIO()
        with mock.patch.dict(os.environ, self.served.environ), contextlib.redirect_stdout(said):
            status = cli.run([*args, "--json"])
        return status, [json.loads(line) for line in said.getvalue().splitlines()]

    def keep(self, path: str, body: Any = None) -> tuple[int, Any]:
        """POST to the tenants' page, or GET it, as who runs the house."""
        return self.ask("GET" if body is None else "POST", f"/t/house/api/{path}", body, "house/operator")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    made = Walk(tmp_path_factory.mktemp("tenants"))
    with made.served:
        assert made.ask("PUT", "/t/clinic/fhir/Patient/p1", PATIENT)[0] == 201
        yield made


def test_only_an_admin_of_the_houses_own_tenant_keeps_tenants(walk: Walk) -> None:
    listed = walk.keep("tenants")[1]["tenants"]
    assert [(one["tenant"], one["state"]) for one in listed] == [
        ("clinic", "open"),
        ("house", "open"),
        ("main", "open"),
    ]
    for prefix, token in (("", "main/root"), ("/t/clinic", "clinic/boss"), ("/t/house", "clinic/boss")):
        assert walk.ask("GET", f"{prefix}/api/tenants", None, token)[0] == 403
        assert walk.ask("POST", f"{prefix}/api/tenants/clinic/suspend", {"reason": "x"}, token)[0] == 403
    assert walk.keep("tenants/clinic")[1]["entries"] == 1
    assert walk.keep("tenants/nobody")[0] == 404
    assert walk.keep("tenants", {"tenant": "clinic"})[0] == 409
    assert walk.keep("tenants", {"tenant": "Not A Name"})[0] == 422
    assert walk.keep("tenants/house/suspend", {"reason": "x"})[0] == 409


def test_a_suspended_tenant_is_shut_at_every_door_from_the_next_request_and_open_again_after(walk: Walk) -> None:
    stream = urllib.request.Request(f"http://127.0.0.1:{walk.served.port}/t/clinic/api/events")
    stream.add_header("Authorization", f"Bearer {walk.tokens['clinic/keeper']}")
    with urllib.request.urlopen(stream, timeout=10) as events:
        assert events.readline() == b"retry: 2000\n"
        status, lines = walk.command("tenant", "suspend", "clinic", "--reason", "계약이 끝났습니다")
        assert (status, lines[-1]["state"]) == (0, "suspended")
        begun = time.monotonic()
        assert b"data:" not in events.read(), "a stream that was open ends"
        assert time.monotonic() - begun < 5
    for method, path in (("GET", "/fhir/Patient/p1"), ("GET", "/fhir/Patient"), ("GET", "/fhir/metadata"),
                         ("POST", "/fhir"), ("PUT", "/fhir/Patient/p2")):  # fmt: skip
        status, told = walk.ask(method, f"/t/clinic{path}", None if method == "GET" else PATIENT)
        assert (status, told["resourceType"]) == (403, "OperationOutcome")
        assert "suspended" in told["issue"][0]["diagnostics"]
    for path in ("/api/me", "/api/audit", "/rooms/journey/patients", "/api/events", "/", "/oauth/authorize"):
        status, told = walk.ask("GET", f"/t/clinic{path}")
        assert (status, "suspended" in told["error"]["text"]) == (403, True), path
    assert walk.ask("POST", "/t/clinic/api/login", {"user": "boss", "password": "x"})[0] == 403
    assert code(walk.served.send(admission())[0]) == "AR"
    assert walk.command("omop", "status", "--tenant", "clinic")[0] == 3
    assert walk.ask("GET", "/api/me", None, "main/root")[0] == 200, "nobody else notices"
    assert walk.keep("tenants/clinic/suspend", {"reason": "x"})[0] == 409
    assert walk.keep("tenants/clinic/resume", {"reason": "새 계약"})[1]["state"] == "open"
    assert walk.ask("GET", "/t/clinic/fhir/Patient/p1")[0] == 200
    assert code(walk.served.send(admission())[0]) == "AA"
    noted = [one["action"] + " " + one["path"] for one in walk.keep("audit")[1]["items"]]
    assert "execute tenants/clinic suspend" in noted and "execute tenants/clinic resume" in noted
    own = walk.ask("GET", "/t/clinic/api/audit", None, "clinic/boss")[1]["items"]
    assert {"계약이 끝났습니다", "새 계약", "suspended"} <= {one["reason"] for one in own}


def test_over_its_limits_a_tenant_is_refused_with_when_to_ask_again_and_the_others_are_not(walk: Walk) -> None:
    def limit(**limits: int) -> int:
        return walk.ask("PATCH", "/t/house/api/tenants/clinic", {"limits": limits}, "house/operator")[0]

    held = walk.keep("tenants/clinic")[1]["entries"]
    assert limit(resources=held + 1) == 200
    assert walk.ask("PUT", "/t/clinic/fhir/Patient/p2", {**PATIENT, "id": "p2"})[0] == 201
    status, told = walk.ask("PUT", "/t/clinic/fhir/Patient/p3", {**PATIENT, "id": "p3"})
    assert (status, told["issue"][0]["code"], walk.headers["retry-after"]) == (507, "too-costly", "3600")
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": {**PATIENT, "id": "p4"}, "request": {"method": "PUT", "url": "Patient/p4"}}]}  # fmt: skip
    assert walk.ask("POST", "/t/clinic/fhir", transaction)[0] == 507
    assert code(walk.served.send(admission("8", "C8"))[0]) == "AR"
    assert walk.ask("DELETE", "/t/clinic/fhir/Patient/p2")[0] in (200, 204), "taking away is always possible"
    assert limit(resources=0) == 200
    assert walk.ask("PUT", "/t/clinic/fhir/Patient/p3", {**PATIENT, "id": "p3"})[0] == 201
    assert limit(rate=2) == 200
    got = [walk.ask("GET", "/t/clinic/fhir/Patient/p1") for _ in range(5)]
    assert (got[-1][0], got[-1][1]["issue"][0]["code"], walk.headers["retry-after"]) == (429, "throttled", "1")
    assert walk.ask("GET", "/api/me", None, "main/root")[0] == 200
    assert limit(rate=0, at_once=-1) == 422 and limit(rates=1) == 422 and limit(rate=0) == 200
    assert walk.keep("tenants/clinic")[1]["limits"] == {"resources": 0, "blobs": 0, "rate": 0, "at_once": 0}
    assert walk.ask("GET", "/t/clinic/fhir/Patient/p1")[0] == 200


def test_a_tenant_is_exported_over_http_into_a_folder_that_only_its_key_opens(walk: Walk) -> None:
    status, told = walk.keep("tenants/clinic/export", {"reason": "이관"})
    assert status == 202 and walk.keep("tenants/nobody/export", {"reason": "이관"})[0] == 404
    for _ in range(100):
        shown = walk.keep("tenants/clinic")[1]
        if not shown["exporting"]:
            break
        time.sleep(0.05)
    assert shown["exported"]["t"] == shown["entries"]
    folder = walk.served.home / told["folder"]
    read = Reader(folder, bytes.fromhex(told["key"]))
    read.check()
    assert sum(len(part) for part in read.log()) == shown["entries"]
    assert not any("홍길동".encode() in path.read_bytes() for path in folder.rglob("*.sealed"))
    came(walk, told["folder"], told["key"], shown["entries"])


def came(walk: Walk, folder: str, key: str, entries: int) -> None:
    """A whole export is brought in over HTTP, by its key and under a free name alone."""
    asked = {"folder": folder, "key": key, "reason": "이관"}
    for wrong, status in (({"folder": "../exports/x"}, 422), ({"folder": "keys/x"}, 422), ({"key": "ab"}, 422)):
        assert walk.keep("tenants/annex/import", {**asked, **wrong})[0] == status
    assert walk.keep("tenants/clinic/import", asked)[0] == 409 and walk.keep("tenants/annex")[0] == 404
    assert walk.keep("tenants/annex/import", {**asked, "key": "0" * 64})[0] == 202
    assert brought(walk)["state"] == "not imported"
    assert walk.keep("tenants/annex/import", asked)[0] == 202
    made = brought(walk)
    assert (made["state"], made["entries"]) == ("open", entries)
    trail = walk.keep("audit?user=operator")[1]["items"]
    assert any(row["path"] == "tenants/annex import" and "from clinic" in row["reason"] for row in trail)


def brought(walk: Walk) -> Any:
    """How an import ended."""
    for _ in range(200):
        status, shown = walk.keep("tenants/annex")
        if status == 200 and shown["state"] != "importing":
            return shown
        time.sleep(0.05)
    raise AssertionError("it does not end")


def opens(walk: Walk, home: Path) -> int:
    """How many entries the clinic has in a copy of the house, opened with the house's keys."""
    house = House(replace(place(walk.served.environ), home=home), rooms=())
    try:
        return house.seat("clinic").home.tip()
    finally:
        house.close()


def test_a_destroyed_tenant_is_gone_with_every_copy_and_its_name_is_never_given_again(walk: Walk) -> None:
    assert walk.ask("PUT", "/t/clinic/fhir/Patient/p9", {**PATIENT, "id": "p9"})[0] == 201
    copy = walk.folder / "copy"
    shutil.copytree(walk.served.home, copy, ignore=shutil.ignore_patterns("*.sock"))
    keys = Path(walk.served.environ["ONMARU_KEYS"])
    assert opens(walk, copy) > 0, "the copy is a good one"
    leave = {"reason": "계약이 끝났습니다", "again": "clinic", "transferred": "관할 보건소"}
    status, told = walk.keep("tenants/clinic/destroy", leave)
    assert (status, told["error"]["code"]) == (409, "business-rule"), "it is not suspended"
    assert walk.keep("tenants/clinic/suspend", {"reason": "x"})[0] == 200
    assert walk.keep("tenants/clinic/destroy", {**leave, "again": "Clinic"})[0] == 422
    status, told = walk.keep("tenants/clinic/destroy", {**leave, "transferred": ""})
    assert status == 409 and "의료법 시행규칙 제15조" in told["error"]["text"], "a law keeps its records"
    assert walk.command("tenant", "destroy", "main", "--reason", "x", "--again", "main")[0] == 3
    status, told = walk.keep("tenants/clinic/destroy", leave)
    assert (status, told["state"], told["transferred"]) == (200, "destroyed", "관할 보건소"), told
    assert walk.keep("tenants/clinic/destroy", leave)[1]["state"] == "destroyed", "asking twice is asking once"
    assert walk.ask("GET", "/t/clinic/fhir/Patient/p1")[0] == 403
    assert not (walk.served.home / "tenants" / "clinic").exists()
    for folder in (walk.served.home, keys, copy):
        for word in (b"clinic/boss", "홍길동".encode()):
            assert not [one for one in folder.rglob("*") if one.is_file() and word in one.read_bytes()]
    with pytest.raises(KeyLost):
        opens(walk, copy)
    assert walk.keep("tenants", {"tenant": "clinic"})[0] == 409
    assert walk.command("tenant", "add", "clinic")[0] == 3
    noted = [(one["user"], one["path"], one["reason"]) for one in walk.keep("audit")[1]["items"]]
    assert ("operator", "tenants/clinic destroy", "계약이 끝났습니다") in noted
    status, lines = walk.command("verify")
    assert status == 0 and {"tenant": "clinic", "ok": True, "destroyed": told["at"]} in lines, lines


def test_a_destruction_killed_after_its_key_is_finished_by_the_next_command(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    house = House(place(walk.served.environ), rooms=())
    keeping, caller = Keeping(house), at_the_keyboard()
    keeping.do(caller, Act("suspend", "clinic", "x"))
    house.close()
    folder = walk.served.home / "tenants" / "clinic"
    child = os.fork()
    if not child:
        shutil.rmtree = lambda path: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        walk.command("tenant", "destroy", "clinic", "--reason", "x", "--again", "clinic")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (folder / "log.db").exists() and not (folder / "tenant.key").exists()
    again = House(place(walk.served.environ), rooms=())
    assert again.tenancies.of("clinic").state == "destroying" and not again.exists("clinic")
    with pytest.raises(Refusal):
        again.seat("clinic")
    finish_all(again)
    assert again.tenancies.of("clinic").state == "destroyed" and not folder.exists()
    assert again.logins.accounts.users("clinic") == []
    again.close()
