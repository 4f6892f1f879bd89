"""A whole running house within a test's own event loop, asked without a socket: its jobs can be killed between two steps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.web_house import Answer, _Protocol, _Scope

from onmaru.app import settings
from onmaru.app.bulk.desk import AT_ONCE, Desk
from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.keeper import Keeper
from onmaru.app.running import Running
from onmaru.app.serving import wire, works
from onmaru.kernel.accounts import User
from onmaru.kernel.outbound import Rules
from onmaru.kernel.record import Change
from onmaru.web.application import build

LATER = {"prefer": "respond-async"}


class BulkHouse:
    """A house in motion; `token` is a data manager's."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.house = House(Place(folder / "home", folder / "keys", folder / "witness"), rooms=())
        self.running = Running(self.house)
        self.desk = Desk(self.running, works(rules), 24.0)
        self.application = build(
            wire(Doorway(self.running, ()), settings.load(), Keeper(self.running), background=self.desk)
        )
        self.house.tenancies.changed.append(self.desk.reconsider)
        self.token = self.issue("keeper", "data-manager")

    def issue(self, user: str, role: str, scopes: str = "", tenant: str = MAIN) -> str:
        made = User(tenant, user, user, (role,))  # type: ignore[arg-type]
        self.house.logins.keep_user(made)
        return self.house.logins.issue(made, scopes)[0]

    def put(self, *resources: Mapping[str, Any], tenant: str = MAIN) -> None:
        """Write resources under their own ids."""
        record = self.house.hall(system(tenant)).record
        changes = [Change("update", one["resourceType"], one["id"], json.dumps(one).encode()) for one in resources]
        record.write(changes)
        home = self.house.seat(tenant).home
        home.wait(home.tip())

    async def ask(
        self, method: str, url: str, body: Any = b"", headers: Mapping[str, str] | None = None, token: str | None = None
    ) -> Answer:
        """One request below `/fhir/` or at an absolute url of this house."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = url.removeprefix("http://hospital.example") if "://" in url else f"/fhir/{url}"
        given = {"authorization": f"Bearer {self.token if token is None else token}", **(headers or {})}
        if sent:
            given = {"content-length": str(len(sent)), "content-type": "application/fhir+json", **given}
        protocol = _Protocol(sent)
        await self.application.__rsgi__(_Scope(method, path, given), protocol)
        return protocol.answer

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """No job is begun meanwhile."""
        for _ in range(AT_ONCE):
            await self.desk._turns.acquire()
        yield
        for _ in range(AT_ONCE):
            self.desk._turns.release()

    async def begun(self, url: str, **more: Any) -> str:
        """Begin a job: where to look for it."""
        answer = await self.ask("GET", url, headers=LATER, **more)
        assert answer.status == 202, answer.body
        return answer.headers["content-location"]

    async def ended(self, status: str, token: str | None = None) -> Answer:
        """Look until the job is over."""
        for _ in range(1500):
            answer = await self.ask("GET", status, token=token)
            if answer.status != 202:
                return answer
            assert answer.headers["x-progress"] and answer.headers["retry-after"]
            await asyncio.sleep(0.01)
        raise AssertionError("the job does not end")

    async def exported(self, url: str, token: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """The resources that an export gives, by type."""
        done = await self.ended(await self.begun(url, token=token), token)
        assert done.status == 200, done.body
        return {one["type"]: await self.lines(one["url"], token) for one in done.json["output"]}

    async def lines(self, url: str, token: str | None = None) -> list[dict[str, Any]]:
        """The resources of a file."""
        answer = await self.ask("GET", url, token=token)
        assert answer.status == 200, answer.body
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        return [json.loads(line) for line in answer.body.splitlines()]


@asynccontextmanager
async def bulk_house(folder: Path, rules: Rules) -> AsyncIterator[BulkHouse]:
    """Open it, and close it."""
    made = BulkHouse(folder, rules)
    made.desk.start()
    try:
        yield made
    finally:
        await made.desk.stop()
        await made.running.close()


def run(folder: Path, test: Callable[[BulkHouse], Awaitable[None]], rules: Rules | None = None) -> None:
    """Run one test in a house of that folder, which may be sent where the rules say."""

    async def whole() -> None:
        async with bulk_house(folder, rules or Rules()) as house:
            await test(house)

    asyncio.run(whole())
