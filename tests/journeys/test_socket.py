"""The application behind its real server, spoken to over a socket byte by byte."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.web.doors import Settings
from onmaru.web.server import server

PATIENT = b'{"resourceType":"Patient","birthDate":"1970-01-02"}'
Talk = Callable[[bytes], Awaitable[tuple[int, dict[str, str], bytes]]]


def serve(house: House, work: Callable[[Talk, int], Awaitable[None]]) -> None:
    """Run `work` against the house on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    async def talk(request: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await writer.drain()
        answer = await asyncio.wait_for(_answer(reader), 5)
        writer.close()
        await writer.wait_closed()
        return answer

    async def run() -> None:
        listening = server(house.application, "127.0.0.1", port)
        task = asyncio.create_task(listening.serve())
        try:
            for _ in range(100):
                await asyncio.sleep(0.05)
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    continue
                writer.close()
                break
            await work(talk, port)
        finally:
            listening.stop()
            await asyncio.wait_for(task, 5)

    asyncio.run(run())


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


def request(method: str, path: bytes, token: str, *more: bytes, body: bytes = b"") -> bytes:
    lines = [
        method.encode() + b" " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Authorization: Bearer " + token.encode(),
    ]
    lines += more
    if body:
        lines += [b"Content-Type: application/fhir+json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_a_resource_goes_in_and_out_over_the_socket(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(static=tmp_path, body=1_000))
    token = house.token("loader", "system")

    async def work(talk: Talk, port: int) -> None:
        status, headers, body = await talk(request("POST", b"/fhir/Patient", token, body=PATIENT))
        assert status == 201 and headers["x-onmaru-position"] == "1", body
        id = json.loads(body)["id"]
        status, headers, read = await talk(request("GET", f"/fhir/Patient/{id}".encode(), token))
        assert (status, read) == (200, body) and headers["etag"] == 'W/"1"'
        status, headers, empty = await talk(request("HEAD", f"/fhir/Patient/{id}".encode(), token))
        assert status == 200 and headers["etag"] == 'W/"1"' and empty == b""
        status, _, told = await talk(request("GET", b"/fhir/Patient?birthdate=1970-01-02", token))
        assert status == 200 and json.loads(told)["total"] == 1
        assert (await talk(request("GET", b"/fhir/metadata", "")))[0] == 200

    serve(house, work)
    house.close()


def test_bodies_are_bounded_however_they_come(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(static=tmp_path, body=1_000))
    token = house.token("loader", "system")

    async def work(talk: Talk, port: int) -> None:
        assert (await talk(request("POST", b"/fhir/Patient", token, body=b" " * 1_001)))[0] == 413
        chunked = request(
            "POST", b"/fhir/Patient", token, b"Transfer-Encoding: chunked", b"Content-Type: application/json"
        )
        small = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PATIENT), PATIENT)
        assert (await talk(chunked + small))[0] == 201
        large = b"400\r\n" + b" " * 1024 + b"\r\n0\r\n\r\n"
        assert (await talk(chunked + large))[0] == 413

    serve(house, work)
    house.close()


def test_who_is_refused_unread_hears_why(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def work(talk: Talk, port: int) -> None:
        for _ in range(3):
            form = request("POST", b"/oauth/token", "none", body=b"x" * 100_000)
            assert (await talk(form))[0] == 413
            assert (await talk(request("POST", b"/fhir/Patient", "none", body=b" " * 500_000)))[0] == 401

    serve(house, work)
    house.close()


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096, reason="the system allows too few open files")
def test_who_leaves_very_many_requests_unfinished_shuts_the_door_on_nobody(tmp_path: Path) -> None:
    house = House(tmp_path)
    token = house.token("loader", "system")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))

    async def work(talk: Talk, port: int) -> None:
        opened = []
        for _ in range(1_300):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            opened.append(writer)
        assert (await talk(request("POST", b"/fhir/Patient", token, body=PATIENT)))[0] == 201
        for writer in opened:
            writer.close()

    try:
        serve(house, work)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        house.close()


def test_odd_bytes_in_address_and_headers_are_answered_and_leave_the_server_standing(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(static=tmp_path))
    token = house.token("loader", "system")
    odd = [
        request("GET", b"/fhir/Patient/%ff%fe", token),
        request("GET", b"/fhir/Patient?name=%ff", token),
        request("GET", b"/fhir/Patient/%2e%2e/x", token),
        request("GET", b"//fhir//Patient", token),
        request("GET", b"/fhir/Patient", token, b"X-Request-Id: \xff\xfe"),
        request("GET", b"/fhir/Patient", token, b"X-Onmaru-Position: \xed\x95\x9c"),
        request("GET", b"/fhir/Patient", token, b"Accept: \xff"),
        request("GET", b"/fhir/Patient", "\u00ff"),
        request("GET", b"/%00", token),
        b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nCookie: onmaru=\xff; \xed\x95\x9c\r\n\r\n",
        b'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"\xff"1',
    ]

    async def work(talk: Talk, port: int) -> None:
        assert (await talk(request("GET", b"/fhir/Patient", token, b"X-Large: " + b"x" * 40_000)))[0] == 431
        for one in odd:
            status, _, _ = await talk(one)
            assert 200 <= status < 500, one
        assert (await talk(request("GET", b"/fhir/Patient", token)))[0] == 200

    serve(house, work)
    house.close()


def test_an_event_stream_reaches_the_client_and_ends_when_it_leaves(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(static=tmp_path, heartbeat=0.05))
    token = house.token("loader", "system")

    async def work(talk: Talk, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("GET", b"/api/events", token))
        await asyncio.wait_for(reader.readuntil(b"retry: 2000\n\n"), 5)
        assert (await talk(request("POST", b"/fhir/Patient", token, body=PATIENT)))[0] == 201
        await asyncio.wait_for(reader.readuntil(b"event: change\n"), 5)
        assert house.application._events._open
        writer.close()
        for _ in range(60):
            await asyncio.sleep(0.05)
            if not house.application._events._open:
                break
        assert not house.application._events._open

    serve(house, work)
    house.close()


def test_fifty_clients_racing_one_conditional_create_make_one_resource(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(static=tmp_path))
    token = house.token("loader", "system")
    body = b'{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"1"}]}'
    one = request("POST", b"/fhir/Patient", token, b"If-None-Exist: identifier=urn:mrn|1", body=body)

    async def work(talk: Talk, port: int) -> None:
        answers = await asyncio.gather(*(talk(one) for _ in range(50)))
        assert sorted(status for status, _, _ in answers) == [200] * 49 + [201]
        assert len({json.loads(told)["id"] for _, _, told in answers}) == 1

    serve(house, work)
    assert house.tenants["main"].log.head() == 1
    house.close()
