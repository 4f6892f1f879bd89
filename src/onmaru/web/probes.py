"""What a load balancer or orchestrator asks, without a grant: is this process alive, and may it be sent requests?

It is told which part is not ready, and nothing else: no tenant, no count, no path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onmaru.kernel.room import Response
from onmaru.web import answers

ALIVE, READY = "/healthz", "/readyz"
PATHS = frozenset({ALIVE, READY})
OK = "ok"
Health = Callable[[], Mapping[str, str]]


def answer(path: str, health: Health, *, stopping: bool) -> Response:
    """200 or 503: `{"status": "ok" | "not ready" | "stopping", "parts": {part: "ok" | why not}}`."""
    if path == ALIVE:
        return answers.json({"status": OK})
    parts = dict(health())
    status = "stopping" if stopping else OK if all(one == OK for one in parts.values()) else "not ready"
    if status == OK:
        return answers.json({"status": OK, "parts": parts})
    return answers.json({"status": status, "parts": parts}, 503, [("retry-after", "5")])
