"""MLLP (HL7 v2 transport specification, release 1): messages between 0x0B and 0x1C 0x0D, answered once they are durable."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from onmaru.adapters.hl7v2 import ack as acks
from onmaru.adapters.hl7v2 import er7
from onmaru.adapters.receipt import Receipt

START, END, RETURN = b"\x0b", b"\x1c", b"\x0d"


class Peer(msgspec.Struct, frozen=True):
    """One system that may send. `network` is an address or CIDR; `certificate` the SHA-256 of its TLS certificate in hex
    ("" asks for none); `facilities` are the values of MSH-4 it may send as (empty: any); its messages go to `tenant`."""

    name: str
    network: str
    tenant: str
    certificate: str = ""
    facilities: frozenset[str] = frozenset()


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds."""

    message: int = 16 * 1024 * 1024
    idle: float = 600.0
    frame: float = 30.0
    connections: int = 200


class Refusal(msgspec.Struct, frozen=True):
    """Why a peer or message was turned away; told to `record` so that it stays on file."""

    address: str
    reason: str


Take = Callable[[str, bytes, Peer], Awaitable[Receipt]]
Durable = Callable[[str, Receipt], Awaitable[None]]


class Oversize(Exception):
    """A frame is longer than the limit."""


async def frames(reader: asyncio.StreamReader, limits: Limits) -> AsyncIterator[bytes]:
    """Cut a stream into messages. Bytes outside frames are skipped; a frame without its end is ended by the next start.

    Raises Oversize for a frame beyond the limit; ends on idle time-out or at the end of the stream.
    """
    kept = b""
    while True:
        start = kept.find(START)
        kept = kept[start:] if start >= 0 else b""
        end = kept.find(END + RETURN) if kept else -1
        again = kept.find(START, 1) if kept else -1
        if end < 0 and again > 0 and kept[again + 1 : again + 4] == b"MSH":
            yield kept[1:again]
            kept = kept[again:]
            continue
        if end >= 0:
            inner = kept[1:end]
            kept = kept[end + 2 :]
            yield inner
            continue
        if len(kept) > limits.message:
            raise Oversize
        try:
            async with asyncio.timeout(limits.frame if kept else limits.idle):
                part = await reader.read(1 << 16)
        except TimeoutError:
            part = b""
        if not part:
            if len(kept) > 1 and kept[1:4] == b"MSH":
                yield kept[1:].rstrip(END)
            return
        kept += part


class Server:
    """One listening port. `take` writes a message for a peer, `durable` waits for it, `record` keeps refusals."""

    def __init__(
        self,
        peers: Sequence[Peer],
        take: Take,
        durable: Durable,
        record: Callable[[Refusal], None],
        limits: Limits | None = None,
    ) -> None:
        self._peers = peers
        self._take = take
        self._durable = durable
        self._record = record
        self._limits = limits or Limits()
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; gives the port (a port of 0 lets the system choose)."""
        self._server = await asyncio.start_server(self._serve, host, port, ssl=tls, limit=1 << 20)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more; a message that is being taken is still answered, whoever sends nothing is cut off."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for task in list(self._idle):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as a task of its own that `stop` can wait for."""
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._tasks.add(task)
        self._idle.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._tasks.discard(task)
            self._idle.discard(task)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("",))[0])
        allowed = self._allowed(address, _fingerprint(writer))
        self._open += 1
        try:
            if not allowed or self._open > self._limits.connections:
                self._record(Refusal(address, "too many connections" if allowed else "not on the list of peers"))
                return
            task = asyncio.current_task()
            assert task is not None
            async for data in frames(reader, self._limits):
                self._idle.discard(task)
                await self._answer(writer, data, allowed, address)
                if self._stopping:
                    return
                self._idle.add(task)
        except Oversize:
            self._record(Refusal(address, "message longer than the limit"))
            await self._send(writer, acks.acknowledge(b"", "AR", "", ("100", "message longer than the limit", "")))
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, data: bytes, allowed: Sequence[Peer], address: str) -> None:
        head = er7.header(data)
        facility = head.c(4) if head else ""
        peer = next((one for one in allowed if not one.facilities or facility in one.facilities), None)
        if peer is None:
            self._record(Refusal(address, "sending facility not on the list"))
            reason = ("207", "sending facility is not allowed here", "MSH^1^4")
            await self._send(writer, acks.acknowledge(data, "AR", "", reason))
            return
        receipt = await self._take(peer.tenant, data, peer)
        await self._durable(peer.tenant, receipt)
        if acks.wanted(data, receipt.ack):
            await self._send(writer, receipt.reply)

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, reply: bytes) -> None:
        writer.write(START + reply + END + RETURN)
        await writer.drain()

    def _allowed(self, address: str, certificate: str) -> list[Peer]:
        try:
            here = ipaddress.ip_address(address)
        except ValueError:
            return []
        return [
            peer
            for peer in self._peers
            if here in ipaddress.ip_network(peer.network, strict=False)
            and peer.certificate.lower().replace(":", "") in ("", certificate)
        ]


def _fingerprint(writer: asyncio.StreamWriter) -> str:
    tls = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return hashlib.sha256(certificate).hexdigest() if certificate else ""


def tls_context(certificate: str, key: str, authorities: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later; with `authorities` a client must present a certificate that they signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if authorities:
        context.load_verify_locations(authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
