"""Slows down guessing: after too many failures for a user or an address, log-in is refused until the window has passed."""

from __future__ import annotations

from collections import deque


class Attempts:
    """Failures within a sliding window, kept in memory; at most `room` names, the one longest unused is dropped first.

    `limit` failures within `window` µs block a name. Times are µs since 1970 UTC, given by the caller.
    """

    def __init__(self, limit: int, window: int, room: int = 100_000) -> None:
        self._limit = limit
        self._window = window
        self._room = room
        self._failures: dict[str, deque[int]] = {}

    def wait(self, name: str, now: int) -> int:
        """Whole seconds until `name` may try again; 0: now."""
        failures = self._recent(name, now)
        if len(failures) < self._limit:
            return 0
        return max(1, -(-(failures[0] + self._window - now) // 1_000_000))

    def failed(self, name: str, now: int) -> None:
        """Count one failure."""
        failures = self._failures.pop(name, None) or deque(maxlen=self._limit)
        failures.append(now)
        if len(self._failures) >= self._room:
            self._failures.pop(next(iter(self._failures)))
        self._failures[name] = failures

    def succeeded(self, name: str) -> None:
        """Forget the failures of `name`."""
        self._failures.pop(name, None)

    def _recent(self, name: str, now: int) -> deque[int]:
        failures = self._failures.get(name)
        if failures is None:
            return deque()
        while failures and failures[0] <= now - self._window:
            failures.popleft()
        if not failures:
            del self._failures[name]
        return failures
