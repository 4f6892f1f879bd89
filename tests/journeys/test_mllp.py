"""MLLP over a real socket: framing, acknowledgements after durability, the list of peers, facilities to tenants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.v2_hall import House

from onmaru.adapters.mllp import Limits, Peer, Refusal, Server
from onmaru.adapters.receipt import Receipt, Source

HEAD = "MSH|^~\\&|EMR|{facility}|ONMARU|HOSP|20260301120000+0900||ADT^A04|{control}|P|2.5.1"
LOCAL = Peer("lab", "127.0.0.0/8", "main")


def frame(control: str, body: str = "PID|1||7^^^HOSP^MR||홍^길동", facility: str = "HOSP") -> bytes:
    message = f"{HEAD.format(facility=facility, control=control)}||||||UNICODE UTF-8\r{body}\r"
    return b"\x0b" + message.encode() + b"\x1c\x0d"


class Line:
    """A server on a free port and what it took, refused and made durable."""

    def __init__(self, house: House, peers: list[Peer], limits: Limits | None = None) -> None:
        self.house = house
        self.tenants: list[str] = []
        self.refusals: list[Refusal] = []
        self.durable_up_to = 0
        self.server = Server(peers, self._take, self._durable, self.refusals.append, limits or Limits(idle=2, frame=1))

    async def _take(self, tenant: str, data: bytes, peer: Peer) -> Receipt:
        self.tenants.append(tenant)
        return self.house.door.take(self.house.hall, data, Source("mllp", peer.name))

    async def _durable(self, tenant: str, receipt: Receipt) -> None:
        await asyncio.sleep(0)
        self.durable_up_to = receipt.position

    async def talk(self, *parts: bytes, answers: int = 1) -> bytes:
        port = await self.server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        got = b""
        while got.count(b"\x1c\x0d") < answers:
            try:
                more = await asyncio.wait_for(reader.read(4096), 3)
            except ConnectionResetError:  # closed on us with our bytes unread
                more = b""
            if not more:
                break
            got += more
        writer.close()
        await self.server.stop()
        await asyncio.sleep(0.02)
        return got


@pytest.fixture
def line(tmp_path: Path) -> Callable[..., Line]:
    return lambda peers=(LOCAL,), limits=None: Line(House(tmp_path), list(peers), limits)


def run(work: Coroutine[Any, Any, bytes]) -> bytes:
    return asyncio.run(work)


def test_a_message_is_answered_aa_once_it_is_durable(line: Callable[..., Line]) -> None:
    here = line()
    answer = run(here.talk(frame("M1")))
    assert answer.startswith(b"\x0bMSH|^~\\&|ONMARU|HOSP|EMR|HOSP|")
    assert b"\rMSA|AA|M1\r" in answer
    assert here.durable_up_to == here.house.log.head() > 0


def test_split_and_merged_frames_are_all_answered_in_order(line: Callable[..., Line]) -> None:
    one, two, three = frame("M1"), frame("M2"), frame("M3")
    answer = run(line().talk(one[:20], one[20:] + two + three[:5], three[5:], answers=3))
    controls = [part.split(b"|")[2] for part in answer.split(b"\r") if part.startswith(b"MSA")]
    assert controls == [b"M1", b"M2", b"M3"]


def test_bytes_between_frames_are_skipped(line: Callable[..., Line]) -> None:
    assert b"MSA|AA|M1" in run(line().talk(b"noise\r\n" + frame("M1")))


def test_a_frame_without_its_end_is_ended_by_the_next_start(line: Callable[..., Line]) -> None:
    answer = run(line().talk(frame("M1")[:-2] + frame("M2"), answers=2))
    assert b"MSA|AA|M1" in answer
    assert b"MSA|AA|M2" in answer


def test_a_refused_message_gets_ae_with_err_and_is_buried(line: Callable[..., Line]) -> None:
    here = line()
    answer = run(here.talk(frame("M1", "PID|1||||홍^길동")))
    assert b"MSA|AE|M1" in answer
    assert b"ERR||PID^1^3|101^^HL70357|E" in answer
    assert here.house.door.letters.page(here.house.hall)["total"] == 1


def test_a_stranger_is_refused_and_recorded(line: Callable[..., Line]) -> None:
    here = line(peers=[Peer("lab", "10.1.0.0/16", "main")])
    assert run(here.talk(frame("M1"))) == b""
    assert [one.reason for one in here.refusals] == ["not on the list of peers"]
    assert here.tenants == []


def test_a_peer_without_its_certificate_is_refused(line: Callable[..., Line]) -> None:
    here = line(peers=[Peer("lab", "127.0.0.1", "main", certificate="ab" * 32)])
    assert run(here.talk(frame("M1"))) == b""
    assert here.tenants == []


def test_the_sending_facility_chooses_the_tenant(line: Callable[..., Line]) -> None:
    peers = [
        Peer("a", "127.0.0.1", "main", facilities=frozenset({"HOSP"})),
        Peer("b", "127.0.0.1", "other", facilities=frozenset({"CLINIC"})),
    ]
    here = line(peers=peers)
    answer = run(here.talk(frame("M1", facility="CLINIC"), frame("M2", facility="STRANGE"), answers=2))
    assert here.tenants == ["other"]
    assert b"MSA|AR|M2" in answer
    assert [one.reason for one in here.refusals] == ["sending facility not on the list"]


def test_an_oversize_frame_is_refused(line: Callable[..., Line]) -> None:
    here = line(limits=Limits(message=1000, idle=2, frame=1))
    answer = run(here.talk(b"\x0bMSH|" + b"x" * 70000))
    assert b"MSA|AR|" in answer
    assert [one.reason for one in here.refusals] == ["message longer than the limit"]
