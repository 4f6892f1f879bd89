"""What those who run the house are told: probes, metrics and logs, and that none of them tells of a patient."""

from __future__ import annotations

import ast
import asyncio
import gzip
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from tests.web_house import Answer, House, _Protocol, _Scope

from onmaru.app import logs
from onmaru.app.doorway import Doorway
from onmaru.app.health import PARTS, Health
from onmaru.app.house import House as RealHouse
from onmaru.app.house import Place, system
from onmaru.app.metrics import Gauges
from onmaru.app.rewriting import MINUTE, SHOWN, Bounds, Rate, Rewriting
from onmaru.app.running import Running
from onmaru.kernel.record import Change
from onmaru.kernel.timing import Timing
from onmaru.web import probes
from onmaru.web.application import build
from onmaru.web.doors import Doors
from onmaru.web.meter import Meter, Span, span

SRC = Path(__file__).resolve().parents[2] / "src" / "onmaru"
PATIENT = b'{"resourceType":"Patient","id":"rrn-9001011234567","name":[{"family":"\xea\xb9\x80"}]}'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


class Asked:
    """One request to an application that is not the web's."""

    def __init__(self, gauges: Any, method: str, path: str) -> None:
        self._gauges, self._method, self._path = gauges, method, path

    async def answer(self) -> Answer:
        protocol = _Protocol(b"")
        await self._gauges.__rsgi__(_Scope(self._method, self._path, {}), protocol)
        return protocol.answer


def test_the_probes_answer_anybody_and_count_as_no_request(house: House) -> None:
    assert house.ask("GET", "/healthz").json == {"status": "ok"}
    assert house.ask("GET", "/readyz").status == 200
    assert house.ask("HEAD", "/readyz").body == b""
    assert house.rows() == [] and house.application.meter.cells() == {}


def test_a_house_that_is_not_ready_names_the_part_and_no_tenant() -> None:
    found = probes.answer("/readyz", lambda: {"log": "ok", "disk": "nearly full"}, stopping=False)
    assert found.status == 503
    assert json.loads(cast(bytes, found.body)) == {"status": "not ready", "parts": {"log": "ok", "disk": "nearly full"}}
    assert probes.answer("/healthz", lambda: {"disk": "nearly full"}, stopping=False).status == 200


def test_a_stopping_house_is_alive_and_not_ready(house: House) -> None:
    asyncio.run(house.application.finished(0))
    assert house.ask("GET", "/healthz").status == 200
    assert house.ask("GET", "/readyz").json["status"] == "stopping"
    assert house.ask("GET", "/fhir/Patient/1").status == 503


def test_requests_are_counted_by_surface_and_status_alone(house: House) -> None:
    token = house.token("nurse", "nurse")
    house.ask("GET", "/fhir/Patient/rrn-9001011234567", token=token)
    house.ask("GET", "/t/main/fhir/Patient/x", token=token)
    house.ask("GET", "/api/me", token=token)
    counted = {name: one.count for name, one in house.application.meter.cells().items()}
    assert counted == {("fhir", 404): 2, ("api", 200): 1}


def test_a_trace_tells_of_no_path_and_no_word_of_the_clients() -> None:
    told: list[Span] = []
    meter = Meter()
    meter.traced = told.append
    meter.traced(span(("PATIENT-9001011234567", "r-1", ""), "fhir", 200, time.perf_counter()))
    assert told[0][:4] == ("fhir", "_OTHER", 200, "r-1")


def test_counting_a_request_costs_less_than_two_microseconds() -> None:
    meter = Meter()
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(2_000):
            meter.answered("fhir", 200, began)
        best = min(best, (time.perf_counter() - began) / 2_000)
    assert best < 2e-6  # of a machine that others use too; alone it is 0.4


def test_a_timing_puts_what_took_as_long_as_a_bound_below_it() -> None:
    timing = Timing()
    for seconds in (0.0001, 0.00011, 99.0):
        timing.add(seconds)
    assert (timing.counts[0], timing.counts[1], timing.counts[-1], timing.count) == (1, 1, 1, 3)


@pytest.fixture
def real(tmp_path: Path) -> RealHouse:
    return RealHouse(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"), rooms=())


def test_metrics_tell_of_machinery_and_never_of_a_patient_or_a_tenant(real: RealHouse) -> None:
    async def scraped() -> tuple[Answer, Answer, dict[str, str]]:
        running = Running(real)
        try:
            real.seat("seoul-clinic")
            running.motion("seoul-clinic")
            await running.motion("main").opened()
            change = Change("update", "Patient", "rrn-9001011234567", PATIENT, make=True)
            real.hall(system("main", "dr-kim")).record.write([change])
            await running.durable("main", 1)
            await running.motion("main").reached(1)
            health = Health(running, 1)
            application = build(cast(Doors, _doors(real)))
            application.meter.answered("fhir", 201, time.perf_counter())
            gauges = Gauges(Doorway(running, ()), application, health)
            metrics = await Asked(gauges, "GET", "/metrics").answer()
            refused = await Asked(gauges, "POST", "/metrics").answer()
            parts = dict(health.parts())
            await health.close()
        finally:
            await running.close()
        return metrics, refused, parts

    metrics, refused, parts = asyncio.run(scraped())
    text = metrics.body.decode()
    assert refused.status == 405 and parts == dict.fromkeys(PARTS, "ok")
    assert 'onmaru_http_requests_total{surface="fhir",status="201"} 1' in text
    assert len(re.findall(r'onmaru_log_head\{store="[0-9a-f]{8}"\} [01]$', text, re.MULTILINE)) == 2
    assert "onmaru_follower_running" in text and "onmaru_sync_seconds_bucket" in text
    for secret in ("rrn", "9001011234567", "김", "seoul", "dr-kim", '"main"'):
        assert secret not in text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\\]*",?)+\})? -?[0-9.e+\-]+', line), line


def _doors(house: RealHouse) -> Any:
    return Doors(
        logins=house.logins,
        tenants=house.exists,
        door=house.door,
        hall=house.hall,
        durable=lambda tenant, t: asyncio.sleep(0),
        audit=lambda tenant, row: None,
        audit_page=lambda hall, asked: (),
        changes=lambda caller, after: None,  # type: ignore[arg-type, return-value]
        why=lambda caller, name, keeper: None,  # type: ignore[arg-type, return-value]
    )


def test_what_has_work_and_does_not_move_is_not_ready_and_a_follower_that_ended_is_not_either(real: RealHouse) -> None:
    async def looked() -> list[str]:
        clock = [0.0]
        running = Running(real)
        said = []
        try:
            motion = running.motion("main")
            await motion.opened()
            health = Health(running, 1, lambda: clock[0])
            running.witnessed = 0.0
            real.hall(system("main")).record.write(
                [Change("update", "Patient", "p", PATIENT.replace(b"rrn-9001011234567", b"p"), make=True)]
            )  # appended, and no group commit asked for
            for at in (0.0, 5.0, 30.0):
                clock[0] = at
                health.look()
                said.append(health.parts()["log"])
            await running.durable("main", 1)
            clock[0] = 301.0
            motion._gathering.cancel()
            await asyncio.sleep(0)
            health.look()
            said += [health.parts()["log"], health.parts()["witness"], health.parts()["lake"]]
            health._least = 2**62
            health.look()
            said.append(health.parts()["disk"])
            await health.close()
        finally:
            with_no_lake = asyncio.get_running_loop().create_future()
            with_no_lake.set_result(None)
            motion._gathering = with_no_lake  # type: ignore[assignment]
            await running.close()
        return said

    assert asyncio.run(looked()) == ["ok", "ok", "stands still", "ok", "not signed", "stopped", "nearly full"]


def test_a_collector_is_sent_what_a_trace_may_say() -> None:
    from onmaru.app.traces import sending

    came: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        take, close = sending(f"http://127.0.0.1:{collector.server_port}/v1/traces")
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        take(span(("GET", "r-77", parent), "fhir", 503, time.perf_counter()))
        take(span(("GET", "r-78", "no parent at all"), "fhir", 200, time.perf_counter()))
        close()
        collector.shutdown()
    sent = gzip.decompress(came[0]) if came[0][:2] == b"\x1f\x8b" else came[0]
    assert b"r-77" in sent and b"r-78" in sent and b"GET fhir" in sent
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in sent


def test_an_unusual_share_of_rewriting_raises_one_alarm_that_is_seen_for_a_day() -> None:
    rate = Rate(Bounds(60, 10, 20))
    assert not rate.add(100, 0, MINUTE)
    assert not rate.add(0, 19, 2 * MINUTE)  # 19 of 100
    assert not rate.add(0, 19, 70 * MINUTE)  # those before are over an hour ago
    assert rate.add(0, 1, 71 * MINUTE) and not rate.add(0, 50, 72 * MINUTE)
    assert rate.shown(72 * MINUTE + SHOWN - 1) and not rate.shown(72 * MINUTE + SHOWN)
    small = Rate(Bounds(60, 10, 20))
    assert not small.add(3, 9, MINUTE)


def test_who_rewrites_a_record_leaves_an_alarm_at_the_doors_and_in_the_trail(real: RealHouse) -> None:
    async def watched() -> tuple[list[Any], list[Any], list[str]]:
        running = Running(real)
        try:
            motion = running.motion("main")
            await motion.opened()
            rewriting = Rewriting(running, Bounds(60, 3, 50))
            record = real.hall(system("main")).record
            for number in range(8):
                if number == 4:
                    await rewriting.look(motion)
                    calm = list(rewriting.lines("main"))
                body = json.dumps({"resourceType": "Patient", "id": f"p{number % 4}"}).encode()
                record.write([Change("update", "Patient", f"p{number % 4}", body, make=True)])
                await running.durable("main", number + 1)
            await rewriting.look(motion)
            rows = motion.seat.home.trail.page(count=100)
            await rewriting.close()
            return calm, list(rewriting.lines("main")), [row.target for _, row in rows]
        finally:
            await running.close()

    calm, alarm, rows = asyncio.run(watched())
    assert calm == []
    assert [(one["kind"], one["state"], one["received"]) for one in alarm] == [("rewriting", "alarm", 4)]
    assert "alarm/rewriting" in rows


# -- logs --------------------------------------------------------------------------------------------------------------

# What a line of the log may have put into it: kinds, places, counts, what the settings say, names of tenants and ids of
# requests and jobs, which are random. Texts of `Invalid` name a path and a reason, never a value.
PUT_IN = re.compile(
    r"type\(error\)\.__name__|verdict\((error|full)\)\[0\]|error\.issues\[0\]\.(text|code)|[A-Z_]+|request_id|visit\.id"
    r"|(reaction|room)\.name|run\.job\.id|place|count|code|host|port|address|tenant|why|reason"
    r"|' with TLS' if context else ''"
)


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(SRC.rglob("*.py")):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "getLogger" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                whom = ast.unparse(node.func.value)
                told = node.func.attr not in ("getLogger", "Formatter", "StreamHandler")
                if whom in ("log", "logger") or (whom == "logging" and told):
                    yield f"{file.relative_to(SRC)}:{node.lineno}", node


def test_every_line_of_the_log_is_a_fixed_text_with_nothing_of_a_record_put_in() -> None:
    found = list(_calls())
    assert len(found) >= 12
    for place, call in found:
        assert cast(ast.Attribute, call.func).attr in ("debug", "info", "warning", "error"), place
        said = call.args[0]
        fixed = isinstance(said, ast.Constant) and isinstance(said.value, str)
        assert fixed or (isinstance(said, ast.Name) and said.id.isupper()), place
        for one in call.args[1:]:
            assert PUT_IN.fullmatch(ast.unparse(one)), (place, ast.unparse(one))
        assert not call.keywords, f"{place}: an exception's own words may quote a record"


def _line(form: logging.Formatter, name: str, text: str, *args: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    return form.format(logging.LogRecord(name, logging.ERROR, "f.py", 1, text, args, info))


@pytest.mark.parametrize("form", [logs.Plain(), logs.Json()], ids=["text", "json"])
def test_no_form_of_the_log_shows_an_exceptions_words_or_a_librarys_values(form: logging.Formatter) -> None:
    error = ValueError("김철수 900101-1234567")
    lines = [
        _line(form, "onmaru.web", "request %s failed", "r-1", error=error),
        _line(
            form,
            "asyncio",
            "Task exception was never retrieved\nfuture: <Task exception=ValueError('김철수')>",
            error=error,
        ),
        _line(form, "library", "could not read %s", "김철수"),
    ]
    assert "r-1" in lines[0] and "ValueError" in lines[0] and "never retrieved" in lines[1]
    assert not any("김철수" in line or "900101" in line for line in lines)
    assert all("\n" not in line for line in lines)


def test_json_lines_can_be_read_by_a_machine() -> None:
    line = json.loads(_line(logs.Json(), "onmaru", 'with "quotes"'))
    assert line["text"] == 'with "quotes"' and line["level"] == "ERROR" and line["at"].endswith("Z")
