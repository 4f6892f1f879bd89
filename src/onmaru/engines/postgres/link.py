"""A connection to PostgreSQL that answers where it is asked: asyncpg driven by a small event loop of its own.

The doors are called from the loop that answers everybody and from threads, and must have their rows at once. A loop within
that loop costs a third of what handing each question to a thread would.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import asyncpg

from onmaru.fhir.outcome import invalid

T = TypeVar("T")
_TOKEN = re.compile(r"'[^']*'|::|\?|:([a-z]\w*)")
_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)
# Seconds that a connection may take, and that a statement may wait for a lock of another worker's
PATIENCE = 30
# Statements kept prepared
STATEMENTS = 500
# Questions after which plans are made anew, in case tables have grown; sooner at first, when they grow by much
PLANS = 2_048
# Rows that a stream fetches in one go
PART = 5_000


class Rows(list[Any]):
    """Rows as tuples, asked for as apsw's cursors are."""

    @property
    def get(self) -> Any:
        """The first value of the first row; None where there is none."""
        return self[0][0] if self else None

    def fetchone(self) -> Any:
        """The first row, or None."""
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        """All of them."""
        return self


class Straight(asyncio.SelectorEventLoop):
    """A loop for one connection that carries a question to its answer without a task.

    What a question waits for is its own answer, so its coroutine is driven by hand: half of what a task and the start and
    end of a loop cost. `_run_once` and `_ready` are asyncio's own names, the same since Python 3.4.
    """

    def carry(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one question to its end."""
        turn: Any = self
        try:
            while True:
                waiting = work.send(None)
                while turn._ready:
                    handle = turn._ready.popleft()
                    if not handle.cancelled():
                        handle._run()
                if waiting is None:
                    self.call_soon(int)
                    turn._run_once()
                while waiting is not None and not waiting.done():
                    turn._run_once()
        except StopIteration as told:
            found: T = told.value
            return found


class Link:
    """One connection; calls may come from any thread, one at a time. `schema` "" is that of no tenant.

    Takes the form of `engines/index/database.py`: values are bound to `?` or `:name`. A connection that was lost is opened
    again, unless a transaction was open: then its owner has to know.
    """

    def __init__(self, address: str, schema: str, *, synchronous: bool = True) -> None:
        self._address = address
        self._settings = {
            "search_path": f'"{schema}"' if schema else "",
            "application_name": "onmaru",
            "synchronous_commit": "on" if synchronous else "off",
            "lock_timeout": f"{PATIENCE}s",
            "idle_in_transaction_session_timeout": f"{2 * PATIENCE}s",
            "jit": "off",
            # Every statement is one range of one index or a few; making a plan costs more than running it
            "plan_cache_mode": "force_generic_plan",
        }
        self._loop = Straight()
        self._lock = RLock()
        self._statements: dict[str, tuple[Any, Sequence[str] | None]] = {}
        self._changed = self._streams = self._named = self._asked = 0
        self._opened: Any = None
        with self._lock:
            self._reopen()

    def _reopen(self) -> None:
        try:
            self._run(self._open(), self._loop.run_until_complete)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            why = f"the database cannot be reached: {type(error).__name__}"
            raise invalid("transient", why, status=503) from error

    async def _open(self) -> None:
        self._statements.clear()
        self._opened = await asyncpg.connect(
            self._address, timeout=PATIENCE, statement_cache_size=0, server_settings=self._settings
        )

    def _run(self, work: Coroutine[Any, Any, T], how: Callable[[Coroutine[Any, Any, T]], T] | None = None) -> T:
        """Run it with the outer loop out of sight; `how` a loop does it where it needs a task of its own."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None if how else self._loop)
        try:
            return (how or self._loop.carry)(work)
        finally:
            asyncio._set_running_loop(outer)

    def _kept(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run; once more on a new connection when the old one was lost between transactions; `Invalid` (503) without one."""
        with self._lock:
            within = self.in_transaction
            try:
                return self._run(make())
            except _LOST:
                if within or not self._opened.is_closed():
                    raise
                self._reopen()
                return self._run(make())
            except asyncpg.LockNotAvailableError as error:
                raise invalid("transient", "another worker holds this tenant for too long", status=503) from error

    async def _statement(self, sql: str) -> tuple[Any, Sequence[str] | None]:
        found = self._statements.get(sql)
        if found is None:
            if len(self._statements) >= STATEMENTS:
                self._statements.clear()
            text, names = numbered(sql)
            # One without a name the driver would have parsed and planned again each time
            self._named += 1
            found = self._statements[sql] = await self._opened.prepare(text, name=f"q{self._named}"), names
        return found

    async def _replan(self) -> None:
        """A plan stays as it was made, also where its tables were empty then; the database does this too, after a while."""
        self._asked += 1
        if not self._asked & (self._asked - 1) or not self._asked % PLANS:
            await self._opened.execute("DISCARD PLANS")

    def execute(self, sql: str, values: Any = (), /) -> Rows:
        """One statement and its rows."""

        async def asked() -> Rows:
            statement, names = await self._statement(sql)
            await self._replan()
            given = values if names is None else [values[name] for name in names]
            rows = await statement.fetch(*given)
            if not rows:
                self._changed = _count(statement.get_statusmsg())
            return Rows(map(tuple, rows))

        return self._kept(asked)

    def prepare(self, sql: str) -> None:
        """Have a statement ready, so that whoever first asks it need not wait for that."""

        async def asked() -> None:
            await self._statement(sql)

        self._kept(asked)

    def executemany(self, sql: str, rows: Iterable[Any], /) -> None:
        """One statement for each row of values; all or nothing."""
        given = list(rows)

        async def asked() -> None:
            statement, _ = await self._statement(sql)
            await statement.executemany(given)

        if given:
            self._kept(asked)

    def script(self, sql: str) -> None:
        """Statements without values."""

        async def asked() -> None:
            await self._opened.execute(sql)

        self._kept(asked)

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement without values, some thousands held at a time; within a transaction."""
        self._streams += 1
        name = f"stream{self._streams}"
        self.script(f"DECLARE {name} CURSOR FOR {sql}")
        try:
            while some := self.execute(f"FETCH {PART} FROM {name}"):
                yield from some
        finally:
            self._statements.pop(f"FETCH {PART} FROM {name}", None)
            self.script(f"CLOSE {name}")

    def changes(self) -> int:
        """Rows that the last statement touched, when it gave none back."""
        return self._changed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(not self._opened.is_closed() and self._opened.is_in_transaction())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction of its own, undone on an error."""
        with self._lock:
            self.script("BEGIN")
            try:
                yield
                self.script("COMMIT")
            except BaseException:
                if self.in_transaction:
                    self.script("ROLLBACK")
                raise

    def close(self) -> None:
        """Close; an open transaction is given up."""
        with self._lock:
            if not self._loop.is_closed():
                if self._opened is not None and not self._opened.is_closed():
                    self._run(self._opened.close(timeout=5), self._loop.run_until_complete)
                self._loop.close()

    def __del__(self) -> None:
        """A command that ends without closing leaves no connection open."""
        if not self._loop.is_closed():
            if self._opened is not None:
                self._opened.terminate()
                self._run(asyncio.sleep(0), self._loop.run_until_complete)
            self._loop.close()


def numbered(sql: str) -> tuple[str, Sequence[str] | None]:
    """PostgreSQL's form of a statement: `$1` for `?` or `:name`; the names in order, None where there are none."""
    names: list[str] = []
    count = 0

    def one(found: re.Match[str]) -> str:
        nonlocal count
        name = found[1]
        if name is not None:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if found[0] != "?":
            return found[0]
        count += 1
        return f"${count}"

    text = _TOKEN.sub(one, sql)
    return text, names or None


def _count(status: str) -> int:
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def columns(rows: Iterable[Sequence[Any]], count: int = 0) -> list[Sequence[Any]]:
    """Rows as one array a column; `count` empty ones where there are no rows."""
    return list(zip(*rows, strict=True)) or [()] * count
