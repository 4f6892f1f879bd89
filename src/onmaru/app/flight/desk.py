"""From a token and a statement to rows: on the loop it is decided and audited, in the asking thread it is computed.

Its one law: what a client may be told is decided anew by each call, and is in the trail on the disk before the first row.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64decode
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from onmaru.app.control import ThreadLake
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN
from onmaru.app.lake.commands import LAKE, SCOPE, SHOWN
from onmaru.app.running import Running
from onmaru.engines.duck.asked import checked, told
from onmaru.fhir.outcome import invalid
from onmaru.kernel import scope
from onmaru.kernel.audit import Access, access
from onmaru.kernel.lake import Lake, Run, Script, View
from onmaru.web.denials import Denials

# One statement may take so long and give so many rows; so many are under way, of one user and of all
SECONDS, ROWS = 60.0, 5_000_000
OF_ONE, OF_ALL = 2, 4
# How long it may take until the tables have followed what was written before the call
READY = 20.0
ANSWER = "answer"
T = TypeVar("T")


class Desk:
    """Used from the threads of a server; `loop` is the one that keeps the house."""

    def __init__(self, running: Running, loop: asyncio.AbstractEventLoop) -> None:
        self._running = running
        self._loop = loop
        self._denials = Denials()
        self._lock = threading.Lock()
        self._users: list[tuple[str, str]] = []
        # Set when the server ends: what is under way ends with it
        self.closing = False

    def lake(self, authorization: str, purpose: str, address: str) -> tuple[Lake, tuple[str, str]]:
        """The lake of whoever shows this token, and who that is; `Invalid` 401 or 403, with an audit row."""
        return self._on_loop(self._entered(secret(authorization), purpose, address))

    def names(self, lake: Lake) -> list[str]:
        """The tables that there are; rooms' tables for pages are none of them."""
        return self._made(lambda: [table.name for table in lake.tables() if table.store == "columnar"])

    def columns(self, lake: Lake, name: str) -> pa.Schema:
        """A table's columns."""
        return self._made(lambda: lake.layout(name).columns)

    def bound(self, lake: Lake, sql: str) -> pa.Schema:
        """Look at a statement without running it: the columns that its answer will have. Raises Invalid."""
        asked, names = checked(sql, self.names(lake))
        view = View(f"flight, its columns: {_shown(sql)}", f"{asked} LIMIT 0", names, secondary=True)
        with told():
            schema: pa.Schema = ThreadLake(lake, self._loop, frozenset()).query(view, {}).table.schema
        return schema

    def rows(self, lake: Lake, who: tuple[str, str], sql: str, gone: Callable[[], bool]) -> pa.Table:
        """The answer to one SELECT. `gone` tells whether the client still waits: where it does not, the run ends."""
        asked, names = checked(sql, self.names(lake))
        statement = f"CREATE TABLE {ANSWER} AS {asked} LIMIT {ROWS + 1}"
        script = Script(f"flight: {_shown(sql)}", (statement,), names, (ANSWER,), seconds=SECONDS)
        with self._counted(who):
            run = self._made(lambda: lake.script(script))
            with _watched(run, lambda: self.closing or gone()):
                try:
                    table: pa.Table = run().tables[ANSWER]
                finally:
                    self._on_loop(self._kept(who[0]))
        if table.num_rows > ROWS:
            raise invalid("too-costly", f"the answer has more than {ROWS:,} rows", "sql", 422)
        return table

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _made(self, call: Callable[[], T]) -> T:
        async def made() -> T:
            return call()

        return self._on_loop(made())

    async def _kept(self, tenant: str) -> None:
        await self._running.durable(tenant, -1)

    async def _entered(self, token: str, purpose: str, address: str) -> tuple[Lake, tuple[str, str]]:
        house = self._running.house
        standing = house.logins.standing(token) if token else None
        if standing is None:
            await self._denials.gather((MAIN, address, "unauthenticated"), partial(self._deny, address))
            await self._kept(MAIN)
            raise invalid("login", "a valid token is needed", status=401)
        caller = house.logins.caller(standing, purpose, new_id(), address)
        if not all(scope.covers(caller.scopes, needed) for needed in scope.parse(SCOPE)):
            row = access(caller, "query", "flight", house.logins.now(), denied="scope")
            house.seat(caller.tenant).home.trail.add(row)
            await self._kept(caller.tenant)
            raise invalid("forbidden", "not permitted: scope", status=403)
        hall = house.hall(caller, LAKE.name)
        async with asyncio.timeout(READY):
            await self._running.motion(caller.tenant).caught_up()
        return hall.lake, (caller.tenant, caller.user)

    def _deny(self, address: str, reason: str) -> None:
        house = self._running.house
        row = Access(house.logins.now(), "", (), "", "execute", "flight", (), False, reason, new_id(), address)
        house.seat(MAIN).home.trail.add(row)

    @contextmanager
    def _counted(self, who: tuple[str, str]) -> Iterator[None]:
        with self._lock:
            if len(self._users) >= OF_ALL or self._users.count(who) >= OF_ONE:
                raise invalid("throttled", "too many statements are under way", status=429)
            self._users.append(who)
        try:
            yield
        finally:
            with self._lock:
                self._users.remove(who)


def _shown(sql: str) -> str:
    return " ".join(sql.split())[:SHOWN]


@contextmanager
def _watched(run: Run, gone: Callable[[], bool]) -> Iterator[None]:
    """End the run when its client has left."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            if gone():
                run.cancel()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def secret(authorization: str) -> str:
    """The token of a header: `Bearer TOKEN`, or `Basic` with the token as the password; "" where there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            # Some clients leave out what fills up the last group
            return b64decode(value + "=" * (-len(value) % 4), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""
