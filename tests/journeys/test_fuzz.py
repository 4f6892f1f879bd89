"""A slice of `onmaru prove 3.fuzz`, asked of a house in this process; and what the fuzz has found, one by one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from granian._granian import RSGIProtocolClosed
from tests.web_house import House as WebHouse
from tests.web_house import _Protocol, _Scope

from onmaru.app import settings
from onmaru.app.bulk.desk import Desk
from onmaru.app.doorway import Doorway
from onmaru.app.house import House, Place
from onmaru.app.keeper import Keeper
from onmaru.app.prove.fuzzing.ground import furnished
from onmaru.app.prove.fuzzing.judging import Live, fault, written
from onmaru.app.prove.fuzzing.numbered import Asking
from onmaru.app.prove.fuzzing.surface import surface
from onmaru.app.prove.fuzzing.wire import Answer
from onmaru.app.running import Running
from onmaru.app.serving import wire, works
from onmaru.kernel.outbound import Rules
from onmaru.web.application import Application, build

SLICE = 300
EVERY = 331


def read(raw: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, headers and body, as a server takes them from bytes; a header that is repeated counts once."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    return method, target, {name: value for name, _, value in (line.partition(": ") for line in lines)}, body


async def answered(application: Application, raw: bytes) -> Answer:
    method, target, headers, body = read(raw)
    protocol = _Protocol(body)
    scope = _Scope(method, target, headers)
    if "host" not in headers:
        scope.headers.pop("host")
    async with asyncio.timeout(10):
        await application.__rsgi__(scope, protocol)  # type: ignore[arg-type]
    told = protocol.answer
    return Answer(told.status, told.headers, told.body, 0.0)


async def slice_of(folder: Path) -> tuple[Counter[str], list[str]]:
    """Ask a slice of the fuzz; how often what was answered, and what was wrong."""
    where = Place(folder / "home", folder / "keys", folder / "witness")
    known, tokens = furnished(where, 3)
    house = House(where, rooms=())
    running = Running(house)
    desk = Desk(running, works(Rules()), 24.0)
    application = build(wire(Doorway(running, ()), settings.load(), Keeper(running), background=desk))
    counted, wrong, live = Counter[str](), list[str](), Live()
    try:
        stated = await answered(application, b"GET /fhir/metadata HTTP/1.1\r\n\r\n")
        asking = Asking(surface(json.loads(stated.body)), known, 3)
        for number in [*range(0, asking.systematic, 3), *range(asking.systematic, SLICE * EVERY, EVERY)]:
            ask = asking.one(number)
            raw, sound = written(ask, tokens, live)
            if not sound or ask.kind in ("socket", "metrics") or ask.target.endswith("/events"):
                continue
            answer = await answered(application, raw)
            live.heard(answer)
            counted[f"{answer.status // 100}xx"] += 1
            if told := fault(ask, answer, sound=sound):
                wrong.append(f"#{number} {ask.method} {ask.target}: {answer.status} {told}")
    finally:
        await desk.stop()
        await running.close()
    return counted, wrong


def test_a_slice_of_the_fuzz_finds_nothing(tmp_path: Path) -> None:
    counted, wrong = asyncio.run(slice_of(tmp_path))
    assert not wrong, wrong
    assert counted["2xx"] > 40 and counted["4xx"] > 100


# -- what it has found ---------------------------------------------------------------------------------------------------


class Cut(_Protocol):
    """A client that leaves before its body is whole."""

    async def __call__(self) -> bytes:
        raise RSGIProtocolClosed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise RSGIProtocolClosed


@pytest.mark.parametrize(("length", "status"), [("50", 400), ("", 400), ("x", 400), ("50", 401)])
def test_a_body_that_is_cut_off_is_no_fault_of_the_servers(tmp_path: Path, length: str, status: int) -> None:
    house = WebHouse(tmp_path)
    token = house.token("loader", "system") if status == 400 else ""
    protocol = Cut(b"")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    scope = _Scope("POST", "/fhir/Basic", headers | ({"content-length": length} if length else {}))
    asyncio.run(house.application.__rsgi__(scope, protocol))  # type: ignore[arg-type]
    assert protocol.answer.status == status
    assert protocol.answer.issues[0]["code"] == ("incomplete" if status == 400 else "login")
    house.close()
