"""One turn after the other for each name: whoever comes too early is told when their turn is, and it is kept for them."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")


class Turns:
    """Turns of one name are `gap` µs apart, each held open for `gap` after it began; at most `room` are remembered.

    Waiting in line costs nobody else's turn twice: a second question before the turn gets the same answer.
    """

    def __init__(self, gap: int, room: int = 20_000) -> None:
        self._gap = gap
        self._room = room
        self._last: dict[str, int] = {}
        self._held: dict[tuple[str, str], int] = {}

    def wait(self, name: str, who: str, now: int) -> int:
        """Whole seconds until the turn of `who`; 0 takes it, and the next one begins after everybody else's in line."""
        at = self._held.pop((name, who), None)
        if at is None or now >= at + self._gap:
            at = max(now, self._last.pop(name, now - self._gap) + self._gap)
            _make_room(self._last, self._room)
            self._last[name] = at
        if now >= at:
            return 0
        _make_room(self._held, self._room)
        self._held[name, who] = at
        return max(1, -(-(at - now) // 1_000_000))


def _make_room(kept: dict[Key, int], room: int) -> None:
    """Forget what was longest unused."""
    if len(kept) >= room:
        del kept[next(iter(kept))]
