"""Sockets without a network: who may have how many."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from onmaru.web.sockets import OF_ONE_USER, PATH, Binding, Sockets


class Line:
    """Both ends of a websocket that binds at once and then keeps silent."""

    def __init__(self, token: str) -> None:
        self._said = [f"bind-with-token {token}"]
        self.closed = False

    async def accept(self) -> Line:
        return self

    async def receive(self) -> Any:
        if not self._said:
            await asyncio.Event().wait()
        return SimpleNamespace(data=self._said.pop())

    async def send_str(self, data: str) -> None:
        pass

    def close(self, status: int | None = None) -> None:
        self.closed = True


def test_sockets_of_a_user_of_the_same_name_in_another_tenant_do_not_count() -> None:
    async def journey() -> list[bool]:
        sockets = Sockets(lambda: 0, lambda tenant, grant: True)
        lines, tasks = [], []
        for tenant in ["a"] * (OF_ONE_USER + 1) + ["b"]:
            line = Line(sockets.token(Binding(tenant, "kim", b"", ("s",), 1)))
            tasks.append(asyncio.create_task(sockets.accept(PATH, line)))
            lines.append(line)
            for _ in range(5):
                await asyncio.sleep(0)
        sockets.end()
        closed = [line.closed for line in lines]
        await asyncio.gather(*tasks)
        return closed

    *_, last, other = asyncio.run(journey())
    assert (last, other) == (True, False)
