"""Carries out what is done in steps: others are answered in between, errands go elsewhere, and it ends in time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Generator
from typing import Any

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.bundle import Answered, Later, Sent, Step
from onmaru.kernel.errand import Refused
from onmaru.web.doors import Doors

# An answered read takes about five turns of the loop, each behind one slice of everything that goes on
SLICE = 0.004


class Driver:
    """`run` one at a time for each tenant: so what moves beneath a large write are small ones, and memory is bounded."""

    def __init__(self, doors: Doors) -> None:
        self._durable = doors.durable
        self._carry = doors.carry
        self._seconds = doors.settings.seconds
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, steps: Generator[Step | None, Any, Any], tenant: str) -> Any:
        """What the steps return. While nothing is written yet, the time limit ends them with `Invalid` 503."""
        running = _Run(steps, asyncio.get_running_loop().time() + self._seconds)
        try:
            async with asyncio.timeout_at(running.deadline) as limit, self._turns[tenant]:
                while True:
                    step = running.step()
                    if running.over:
                        return running.value
                    if isinstance(step, int) and step:
                        limit.reschedule(None)
                        await self._durable(tenant, step)
                    elif callable(step):
                        running.result = await self._answered(step)
                    elif step:
                        running.result = await self._carry(step)
                    await running.breathe()
                    if limit.when() is not None and running.late:
                        raise TimeoutError
        except TimeoutError:
            steps.close()
            raise _too_long() from None

    async def _answered(self, answer: Later) -> Answered | Refused:
        try:
            async with asyncio.timeout(self._seconds):
                return Answered(await answer())
        except Invalid as error:
            return Refused([*error.issues], error.status)
        except TimeoutError:
            late = invalid("timeout", "this takes too long", status=503)
            return Refused([*late.issues], late.status)


class _Run:
    """The steps, where they stand, and since when nobody else was let in."""

    def __init__(self, steps: Generator[Step | None, Any, Any], deadline: float) -> None:
        self._steps = steps
        self._time = asyncio.get_running_loop().time
        self._since = self._time()
        self.deadline = deadline
        self.result: Sent | None = None
        self.value: Any = None
        self.over = False

    def step(self) -> Step | None:
        """Do one step, with the result of the errand before it."""
        result, self.result = self.result, None
        try:
            return self._steps.send(result)
        except StopIteration as end:
            self.value, self.over = end.value, True
            return None

    async def breathe(self) -> None:
        """Let others in, when they have waited long enough."""
        if self._time() - self._since > SLICE:
            await asyncio.sleep(0)
            self._since = self._time()

    @property
    def late(self) -> bool:
        return self._time() > self.deadline


def _too_long() -> Invalid:
    return invalid("timeout", "this takes too long; nothing of it was done", status=503)
