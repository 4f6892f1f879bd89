"""What a station is given of the running house, so that it knows none of its parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from onmaru.app.following import Pieces
from onmaru.app.subscriptions.runner import Runner
from onmaru.app.watching import Book
from onmaru.fhir.subscriptions.notification import Kind, Told
from onmaru.kernel.chart import Tenant
from onmaru.kernel.login import Logins


class Way(Protocol):
    """Out of the house: hands a notification over, or raises `Invalid` (403 never, 502 not now)."""

    def turn(self, runner: Runner) -> AbstractAsyncContextManager[object]:
        """Wait for one's turn; what is told within leaves at once."""

    async def tell(self, runner: Runner, kind: Kind, events: Sequence[Told]) -> None: ...


class World(msgspec.Struct, frozen=True):
    """What a station is given. `head`: the position to follow to. `moved`: returns when it may have grown.

    `open`: whether the tenant is not suspended. `base`: its FHIR address.
    """

    tenant: Tenant
    book: Book
    logins: Logins
    pieces: Pieces
    head: Callable[[], int]
    moved: Callable[[int], Awaitable[None]]
    durable: Callable[[], Awaitable[object]]
    open: Callable[[], bool]
    way: Way
    base: str
