"""The Flight SQL server: reads commands, asks the desk, streams batches. It keeps nothing between calls.

A statement's handle is its own text, so that whoever shows one is asked for the token, and the statement looked at, again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.flight as flight

from onmaru.app.flight import messages
from onmaru.app.flight.desk import Desk, secret
from onmaru.app.flight.messages import Message
from onmaru.app.flight.telling import told
from onmaru.app.refusal import verdict
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.lake import Lake

HOST = "127.0.0.1"
BATCH = 16_384
LOGIN = "login"
T = TypeVar("T")
_TOLD: dict[int, Callable[[str], Exception]] = {
    401: flight.FlightUnauthenticatedError,
    403: flight.FlightUnauthorizedError,
    409: flight.FlightCancelledError,
    429: flight.FlightUnavailableError,
    503: flight.FlightUnavailableError,
}
log = logging.getLogger("onmaru")


class _Headers(flight.ServerMiddleware):  # type: ignore[misc]  # pyarrow has no types
    """What a call says of its caller; a handshake by name and password is answered with the password as the token."""

    def __init__(self, authorization: str, purpose: str, *, handshake: bool) -> None:
        self.authorization, self.purpose, self._handshake = authorization, purpose, handshake

    def sending_headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {secret(self.authorization)}"} if self._handshake else {}


class _Login(flight.ServerMiddlewareFactory):  # type: ignore[misc]  # as above
    def start_call(self, info: Any, headers: dict[str, list[str]]) -> _Headers:
        named = _first(headers, "authorization"), _first(headers, "x-onmaru-purpose")
        return _Headers(*named, handshake=info.method == flight.FlightMethod.HANDSHAKE)


class _Handshake(flight.ServerAuthHandler):  # type: ignore[misc]  # as above
    """A handshake says nothing: each call shows its own token."""

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """Nothing to ask."""

    def is_valid(self, token: bytes) -> bytes:
        return b""


def _first(headers: dict[str, list[str]], name: str) -> str:
    return next((values[0] for key, values in headers.items() if key.lower() == name and values), "")


class LakeServer(flight.FlightServerBase):  # type: ignore[misc]  # as above
    """Listens on loopback."""

    def __init__(self, desk: Desk, port: int) -> None:
        super().__init__(f"grpc://{HOST}:{port}", auth_handler=_Handshake(), middleware={LOGIN: _Login()})
        self._desk = desk

    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        """Where the rows of a command are had: here, by a ticket. A statement is looked at now, and run by `do_get`."""
        return _answered(lambda: self._info(context, descriptor))

    def do_get(self, context: Any, ticket: Any) -> Any:
        """The rows, in batches."""
        return _answered(lambda: self._rows(context, messages.opened(ticket.ticket)))

    def do_action(self, context: Any, action: Any) -> list[bytes]:
        """Prepare a statement, or close one that was prepared."""
        return _answered(lambda: self._done(context, action))

    def _entered(self, context: Any) -> tuple[Lake, tuple[str, str]]:
        said = context.get_middleware(LOGIN)
        return self._desk.lake(said.authorization, said.purpose, _address(context))

    def _info(self, context: Any, descriptor: Any) -> Any:
        lake, _ = self._entered(context)
        asked, ticket, schema = messages.opened(descriptor.command or b""), descriptor.command, None
        sql = _statement(asked)
        if sql is not None:
            schema = self._desk.bound(lake, sql)
            ticket = messages.packed(messages.TICKET, {1: sql.encode()})
        elif told(asked, (), lambda name: pa.schema([])) is None:
            raise invalid("not-supported", f"{asked.name} is not answered here")
        endpoints = [flight.FlightEndpoint(ticket, [])]
        return flight.FlightInfo(schema, descriptor, endpoints, -1, -1)

    def _rows(self, context: Any, asked: Message) -> Any:
        lake, who = self._entered(context)
        sql = _statement(asked)
        if sql is not None:
            return _stream(self._desk.rows(lake, who, sql, context.is_cancelled))
        table = told(asked, self._desk.names(lake), lambda name: self._desk.columns(lake, name))
        if table is None:
            raise invalid("not-supported", f"{asked.name} is not answered here")
        return _stream(table)

    def _done(self, context: Any, action: Any) -> list[bytes]:
        lake, _ = self._entered(context)
        if action.type == messages.CLOSE:
            return []
        if action.type != messages.PREPARE:
            raise invalid("not-supported", "this action is not done here")
        sql = messages.opened(action.body.to_pybytes()).text(1) or ""
        schema = self._desk.bound(lake, sql).serialize().to_pybytes()
        return [messages.packed(messages.RESULT, {1: sql.encode(), 2: schema})]


def _statement(asked: Message) -> str | None:
    """The SQL of a statement, or of a handle that is its text; None for another command."""
    if asked.name in (messages.QUERY, messages.PREPARED, messages.TICKET):
        return asked.text(1) or ""
    return None


def _stream(table: pa.Table) -> Any:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=BATCH)

    return flight.GeneratorStream(table.schema, batches())


def _address(context: Any) -> str:
    """The client's address without its port."""
    kind, _, rest = str(context.peer()).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""


def _answered(work: Callable[[], T]) -> T:
    """Refusals as Flight tells them; of a defect of ours nothing is told but that there is one."""
    try:
        return work()
    except Invalid as refused:
        made = _TOLD.get(refused.status, flight.FlightServerError)
        raise made(str(refused)) from None
    except TimeoutError:
        raise flight.FlightUnavailableError("the tables are still being made; try again") from None
    except Exception as error:  # noqa: BLE001 - a client is told that there is one, and no more
        log.error("Flight SQL failed: %s", verdict(error)[0])
        raise flight.FlightServerError("the server failed on this request") from None


@contextlib.asynccontextmanager
async def answering(desk: Desk, port: int) -> AsyncIterator[LakeServer]:
    """Answer while the context lasts."""
    made = LakeServer(desk, port)
    port = made.port
    log.info("answering Flight SQL on %s:%d", HOST, port)
    try:
        yield made
    finally:
        desk.closing = True
        await asyncio.to_thread(made.shutdown)
