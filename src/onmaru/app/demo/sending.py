"""How the simulated hospital reaches the house: HL7 v2 over the MLLP socket, FHIR by HTTP, each event answered in turn."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from hashlib import sha256
from typing import NamedTuple

import msgspec

from onmaru.simulate import Event

_RESIDENT = re.compile(rb"\d{6}-S\d{6}")
_TIMEOUT = 120.0


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes


class Http:
    """One kept connection to the house, with one bearer token."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """One request; a connection that the server closed meanwhile is opened anew."""
        if self._line is None or self._line[0].at_eof():
            self._line = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._line
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer {self._token}\r\n"
        if body:
            head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        async with asyncio.timeout(_TIMEOUT):
            return await _answer(reader)

    def close(self) -> None:
        if self._line is not None:
            self._line[1].close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]), await reader.readexactly(int(headers.get("content-length", "0"))))


class Tally(msgspec.Struct):
    """What was sent and what was answered. `letters`: digests of the v2 bytes that were refused, each one dead letter.

    `mislabelled` and `mislabelled_refused` count messages that name the wrong character set, apart from `refused`.
    `residents`: the resident numbers sent, to look for on the disk.
    """

    received: Counter[str] = msgspec.field(default_factory=Counter)
    accepted: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    mislabelled: int = 0
    mislabelled_refused: int = 0
    letters: set[bytes] = set()
    residents: set[bytes] = set()
    unexpected: list[str] = []


class Lines:
    """The lines from the hospital to the house. Events go one after the other, as from one interface engine."""

    def __init__(self, http: Http, mllp_port: int) -> None:
        self.tally = Tally()
        self._http = http
        self._mllp_port = mllp_port
        self._mllp: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, event: Event) -> None:
        """Send one event and note the answer."""
        self.tally.residents.update(_RESIDENT.findall(event.payload))
        self.tally.received[_kind(event)] += 1
        if event.channel == "hl7v2":
            self._note_v2(event.payload, await self._message(event.payload))
        else:
            answer = await self._http.ask("POST", "/fhir", event.payload)
            self._note(event.channel, taken=answer.status == 200)
            if answer.status not in (200, 400):
                self.tally.unexpected.append(f"FHIR transaction answered {answer.status}")

    async def _message(self, payload: bytes) -> str:
        """MSA-1 of the acknowledgement; "" when the line was cut."""
        if self._mllp is None:
            self._mllp = await asyncio.open_connection("127.0.0.1", self._mllp_port)
        reader, writer = self._mllp
        writer.write(b"\x0b" + payload + b"\x1c\r")
        try:
            async with asyncio.timeout(_TIMEOUT):
                frame = await reader.readuntil(b"\x1c\r")
        except asyncio.IncompleteReadError:
            self._mllp = None
            return ""
        return frame.split(b"\rMSA|")[1].split(b"|")[0].decode("ascii")

    def _note_v2(self, payload: bytes, code: str) -> None:
        if code not in ("AA", "AE", "AR"):
            self.tally.unexpected.append(f"a v2 message was answered {code or 'by a cut line'}")
            return
        if code != "AA":
            self.tally.letters.add(sha256(payload).digest())
        if _mislabelled(payload):
            self.tally.mislabelled += 1
            self.tally.mislabelled_refused += code != "AA"
        else:
            self._note("hl7v2", taken=code == "AA")

    def _note(self, channel: str, *, taken: bool) -> None:
        (self.tally.accepted if taken else self.tally.refused)[channel] += 1

    def close(self) -> None:
        if self._mllp is not None:
            self._mllp[1].close()
        self._http.close()


def _kind(event: Event) -> str:
    """The v2 message type, else the channel: what a reader of the report looks for."""
    if event.channel != "hl7v2":
        return event.channel
    fields = event.payload.split(b"\r", 1)[0].split(b"|")
    return b"^".join(fields[8].split(b"^")[:2]).decode("ascii", "replace") if len(fields) > 8 else "no type"


def _mislabelled(payload: bytes) -> bool:
    """Whether the bytes are not what MSH-18 says."""
    if b"|UNICODE UTF-8" not in payload.split(b"\r", 1)[0]:
        return False
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
