"""WebSockets on which subscriptions are told (R5 Backport IG 1.1, channels): bound by a token, never by a cookie.

Its one law: a socket hears a subscription only while the grant that asked for its token stands and the token lasts.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

log = logging.getLogger("onmaru.web")
PATH = "subscriptions"
# Sockets in all and, of them, such as have not said yet what they are for
MOST = 2000
UNBOUND = 50
OF_ONE_USER = 20
# Seconds: to say what it is for, to take one message, between two looks at whether it may still listen
PATIENCE = 10.0
WATCH = 2.0
LASTS = 3600 * 1_000_000
LONGEST = 300
_BIND = "bind-with-token "


class Transport(Protocol):
    """An accepted RSGI websocket."""

    async def receive(self) -> Any: ...
    async def send_str(self, data: str) -> None: ...


class Handshake(Protocol):
    """A websocket that is not accepted yet."""

    async def accept(self) -> Transport: ...
    def close(self, status: int | None = None) -> Any: ...


class Binding(msgspec.Struct, frozen=True):
    """What a token is good for, once: which subscriptions whose grant may hear. `expires`: µs since 1970 UTC."""

    tenant: str
    user: str
    grant: bytes
    ids: tuple[str, ...]
    expires: int


class Line:
    """One open socket. `ended` is set when it may listen no more."""

    def __init__(self, transport: Transport, begun: float) -> None:
        self.transport = transport
        self.begun = begun
        self.bindings: list[Binding] = []
        self.subscriptions: set[tuple[str, str]] = set()
        self.ended = asyncio.Event()
        self.turn = asyncio.Lock()


class Sockets:
    """All sockets of this process. `stands(tenant, grant)`: whether a grant still does.

    Told (tenant, id) of a subscription: `bound` gives the words to greet a listener with, `heard` that it has one from now
    on, `left` that its last one has gone, and may not have read what was sent lately.
    """

    def __init__(self, now: Callable[[], int], stands: Callable[[str, bytes], bool]) -> None:
        self._now = now
        self._stands = stands
        self._tokens: dict[str, Binding] = {}
        self._lines: set[Line] = set()
        self._closing = False
        self.bound: Callable[[str, str], str] = lambda tenant, id: ""
        self.heard: Callable[[str, str], None] = lambda tenant, id: None
        self.left: Callable[[str, str], None] = lambda tenant, id: None

    # -- tokens -----------------------------------------------------------------------------------------------------

    def token(self, binding: Binding) -> str:
        """A secret for one binding, to be used once before it expires."""
        now = self._now()
        for secret in [secret for secret, one in self._tokens.items() if one.expires <= now]:
            del self._tokens[secret]
        mine = [
            secret for secret, one in self._tokens.items() if (one.tenant, one.user) == (binding.tenant, binding.user)
        ]
        for secret in mine[: max(0, len(mine) - OF_ONE_USER)]:
            del self._tokens[secret]
        made = secrets.token_urlsafe(32)
        self._tokens[made] = binding
        return made

    # -- sockets ----------------------------------------------------------------------------------------------------

    async def accept(self, path: str, protocol: Handshake) -> None:
        """Serve one socket until either side closes it."""
        if path.strip("/") != PATH or self._closing:
            protocol.close(404)
            return
        if len(self._lines) >= MOST:
            protocol.close(503)
            return
        self._make_room()
        line = Line(await protocol.accept(), asyncio.get_running_loop().time())
        self._lines.add(line)
        watching = asyncio.create_task(self._watch(line))
        try:
            await self._listen(line)
        except Exception as error:  # noqa: BLE001  the server's own "closed" is no public type; the client has left
            log.debug("a socket ended: %s", type(error).__name__)
        finally:
            watching.cancel()
            self._lines.discard(line)
            protocol.close()
            for tenant, id in line.subscriptions:
                if not self._listening(tenant, id):
                    self.left(tenant, id)

    def _make_room(self) -> None:
        """Of too many that have not said what they are for the oldest goes: who means to, says so at once."""
        unbound = sorted((line for line in self._lines if not line.bindings), key=lambda line: line.begun)
        for line in unbound[: max(0, len(unbound) - UNBOUND + 1)]:
            line.ended.set()

    async def _listen(self, line: Line) -> None:
        ended = asyncio.ensure_future(line.ended.wait())
        try:
            while not line.ended.is_set():
                coming = asyncio.ensure_future(line.transport.receive())
                await asyncio.wait([coming, ended], return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    return
                said = coming.result()
                if not isinstance(said.data, str) or len(said.data) > LONGEST or not await self._bind(line, said.data):
                    return
        finally:
            ended.cancel()

    async def _bind(self, line: Line, said: str) -> bool:
        """Take `bind-with-token TOKEN`; anything else, or a token that is not good, ends the socket."""
        binding = self._tokens.pop(said.removeprefix(_BIND).strip(), None) if said.startswith(_BIND) else None
        if binding is None or not self._good(binding):
            return False
        who = (binding.tenant, binding.user)
        others = sum(1 for one in self._lines if any((each.tenant, each.user) == who for each in one.bindings))
        if others >= OF_ONE_USER and not line.bindings:
            return False
        line.bindings = [one for one in line.bindings if not set(one.ids) <= set(binding.ids)] + [binding]
        for id in binding.ids:
            line.subscriptions.add((binding.tenant, id))
            greeting = self.bound(binding.tenant, id)
            if greeting and not await self._say(line, greeting):
                return False
            self.heard(binding.tenant, id)
        return True

    def _good(self, binding: Binding) -> bool:
        return self._now() < binding.expires and self._stands(binding.tenant, binding.grant)

    async def _watch(self, line: Line) -> None:
        """End a socket that says nothing, and bindings whose grant or time has ended."""
        while True:
            await asyncio.sleep(WATCH)
            line.bindings = [one for one in line.bindings if self._good(one)]
            waited = asyncio.get_running_loop().time() - line.begun
            if not line.bindings and (line.subscriptions or waited > PATIENCE):
                line.ended.set()

    async def tell(self, tenant: str, id: str, text: str) -> bool:
        """Say it to all that listen to a subscription; whether anybody did."""
        told = False
        for line in self._listening(tenant, id):
            told = await self._say(line, text) or told
        return told

    def _listening(self, tenant: str, id: str) -> Sequence[Line]:
        return [
            line
            for line in self._lines
            if not line.ended.is_set()
            and any(one.tenant == tenant and id in one.ids and self._good(one) for one in line.bindings)
        ]

    async def _say(self, line: Line, text: str) -> bool:
        """Whether the other side's machine took it in time; one that does not is let go."""
        try:
            async with asyncio.timeout(PATIENCE), line.turn:
                await line.transport.send_str(text)
        except Exception as error:  # noqa: BLE001  as above
            log.debug("a socket took nothing: %s", type(error).__name__)
            line.ended.set()
            return False
        return True

    def end(self) -> None:
        """Close them all and take no more."""
        self._closing = True
        for line in self._lines:
            line.ended.set()
