"""Each tenant within its limits, and a flood of one never keeps another waiting behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.kernel.tenancy import Limits
from onmaru.web.shares import SLOTS, Late, Shares


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shares(limits: Limits | None = None, clock: Clock | None = None) -> Shares:
    """Those of tenant a have these limits."""
    return Shares(lambda tenant: limits if limits and tenant == "a" else Limits(), clock or Clock())


def test_a_rate_lets_a_second_s_worth_through_and_then_one_after_the_other() -> None:
    clock = Clock()
    gate = shares(Limits(rate=4), clock)
    for _ in range(4):
        gate.enter("a")
    with pytest.raises(Late) as late:
        gate.enter("a")
    assert (late.value.status, late.value.seconds, late.value.issues[0].code) == (429, 1, "throttled")
    gate.enter("b")
    clock.now += 0.25
    gate.enter("a")
    with pytest.raises(Late):
        gate.enter("a")
    clock.now += 3600
    for _ in range(4):
        gate.enter("a")
    with pytest.raises(Late):
        gate.enter("a")


def test_requests_at_a_time_are_counted_until_they_are_over() -> None:
    gate = shares(Limits(at_once=2))
    assert gate.enter("a") and gate.enter("a") and not gate.enter("b")
    with pytest.raises(Late):
        gate.enter("a")
    gate.leave("a")
    assert gate.enter("a")


def test_a_flood_of_one_tenant_never_keeps_another_waiting() -> None:
    async def run() -> None:
        gate, ended, under_way = shares(), dict.fromkeys("ab", 0), 0
        most = 0

        async def one(tenant: str) -> None:
            nonlocal under_way, most
            await gate.begin(tenant)
            under_way += 1
            most = max(most, under_way if ended["b"] else 0)
            await asyncio.sleep(0.001)
            under_way -= 1
            ended[tenant] += 1
            gate.end(tenant)

        flood = [asyncio.create_task(one("a")) for _ in range(40 * SLOTS)]
        await asyncio.sleep(0)
        assert ended["a"] == 0, "while one asks alone nobody waits"
        for number in range(10):
            before = ended["a"]
            await one("b")
            assert number == 0 or ended["a"] - before <= 2 * SLOTS, "those of the flood that go on meanwhile are few"
            flood += [asyncio.create_task(one("a")) for _ in range(4 * SLOTS)]
        assert ended["b"] == 10
        await asyncio.gather(*flood)
        assert (ended["a"], gate._running, gate._lines) == (len(flood), {}, {})

    asyncio.run(run())


def test_who_leaves_the_line_keeps_nobody_behind_it_waiting() -> None:
    async def run() -> None:
        gate = shares()
        await gate.begin("b")
        for _ in range(SLOTS // 2):
            await gate.begin("a")
        waiting = [asyncio.create_task(gate.begin("a")) for _ in range(4)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        gate.end("a")
        waiting[1].cancel()  # it was given its turn, and has not heard of it
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert waiting[2].done() and not waiting[3].done()
        gate.end("b")
        await asyncio.sleep(0)
        assert waiting[3].done(), "alone again, it has everything"
        for _ in range(SLOTS // 2 - 1 + 2):
            gate.end("a")
        assert (gate._running, gate._lines) == ({}, {})

    asyncio.run(run())


class Slow(House):
    """A house whose disk takes a moment."""

    async def durable(self, tenant: str, t: int) -> None:
        await asyncio.sleep(0.002)
        await super().durable(tenant, t)


def test_the_server_answers_a_tenant_in_the_midst_of_another_tenants_flood(tmp_path: Path) -> None:
    house = Slow(tmp_path)
    flooding, asking = house.token("a", "system"), house.token("b", "system", tenant="other")

    async def run() -> None:
        done = 0

        async def one() -> None:
            nonlocal done
            assert (await house.call("GET", "/fhir/Patient/x", token=flooding)).status == 404
            done += 1

        flood = [asyncio.create_task(one()) for _ in range(2 * SLOTS)]
        for _ in range(4):
            flood += [asyncio.create_task(one()) for _ in range(4 * SLOTS)]
            before = done
            assert (await house.call("GET", "/t/other/fhir/Patient/x", token=asking)).status == 404
            assert done - before <= 3 * SLOTS, "those of the flood that were under way, and hardly any more"
        await asyncio.gather(*flood)

    asyncio.run(run())
    house.close()
