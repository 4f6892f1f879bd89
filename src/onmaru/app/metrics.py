"""What Prometheus scrapes, on an address of its own: numbers about the machinery, never whose record or which user.

The one label that tells tenants apart is `store`, made from the tenant's own key (decision 159).
"""

from __future__ import annotations

import os
import platform
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onmaru import __version__
from onmaru.app.doorway import Doorway
from onmaru.app.health import OK, Health
from onmaru.app.running import Motion
from onmaru.fhir import search
from onmaru.fhir.query import Query
from onmaru.kernel.gate import ALL
from onmaru.kernel.room import Response
from onmaru.kernel.timing import BOUNDS, Timing, together
from onmaru.web import probes
from onmaru.web.application import Application
from onmaru.web.sending import Outgoing, send

TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, object]


class Family(NamedTuple):
    """One metric: `kind` as the text format 0.0.4 names it, and its samples as (suffix, labels, value)."""

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[str, Labels, float]]


class Gauges:
    """Reads a running house when it is asked; on the house's own loop, so that nothing has to be locked."""

    def __init__(self, doorway: Doorway, application: Application, health: Health) -> None:
        self.alarms: Callable[[], Mapping[str, bool]] = dict
        self._doorway, self._application, self._health = doorway, application, health
        self._running = doorway.running

    async def __rsgi__(self, scope: Any, protocol: Outgoing) -> None:
        """`/metrics`, and the probes once more for who may come here only; anything else is 404."""
        found = Response(404, b"", "")
        if scope.method not in ("GET", "HEAD"):
            found = Response(405, b"", "", (("allow", "GET, HEAD"),))
        elif scope.path == "/metrics":
            found = Response(200, self.text().encode(), TYPE)
        elif scope.path in probes.PATHS:
            found = probes.answer(scope.path, self._health.parts, stopping=False)
        await send(protocol, found, [], bare=scope.method == "HEAD", kept=None)

    def text(self) -> str:
        """Every metric in the text format."""
        return "".join(line for family in self._families() for line in _lines(family))

    def _families(self) -> Iterator[Family]:
        yield from _process()
        yield from self._requests()
        yield from self._stores()
        yield from self._doors()
        yield from self._wellbeing()

    def _requests(self) -> Iterator[Family]:
        cells = self._application.meter.cells()
        surfaces: dict[str, list[Timing]] = {}
        for (surface, _), timing in cells.items():
            surfaces.setdefault(surface or "pages", []).append(timing)
        counts = [("", {"surface": s or "pages", "status": n}, one.count) for (s, n), one in cells.items()]
        yield Family("onmaru_http_requests_total", "counter", "Requests answered.", counts)
        yield _histogram(
            "onmaru_http_request_seconds",
            "From a request's arrival to the start of its answer.",
            [({"surface": surface}, together(timings)) for surface, timings in surfaces.items()],
        )
        begun: float = self._application.begun
        yield Family("onmaru_http_requests_in_flight", "gauge", "Requests being answered.", [("", {}, begun)])

    def _stores(self) -> Iterator[Family]:
        stores = [({"store": label(motion)}, motion) for motion in self._running.motions]

        def each(name: str, help: str, value: Callable[[Motion], float]) -> Family:
            return Family(name, "gauge", help, [("", labels, value(motion)) for labels, motion in stores])

        yield each("onmaru_log_head", "The last durable position.", lambda one: one.seat.home.head())
        yield each("onmaru_log_waiting", "Entries not durable yet.", _waiting)
        followers = [(labels, one) for labels, motion in stores for one in motion.followers()]
        behind = [("", {**labels, "follower": name}, lag) for labels, (name, lag, _) in followers]
        yield Family("onmaru_follower_lag", "gauge", "Positions (audit: rows) still to follow.", behind)
        runs = [("", {**labels, "follower": name}, float(on)) for labels, (name, _, on) in followers]
        yield Family("onmaru_follower_running", "gauge", "1 while the follower runs.", runs)
        synced = [(labels, motion.seat.home.synced) for labels, motion in stores]
        yield _histogram("onmaru_sync_seconds", "Forcing a group onto the disk.", synced)
        yield each(
            "onmaru_dead_letters_open", "Messages that nobody has mended yet.", lambda one: counted(one, LETTERS)
        )
        tasks = [
            ("", {**labels, "state": state}, counted(motion, query))
            for labels, motion in stores
            for state, query in JOBS.items()
        ]
        yield Family("onmaru_jobs", "gauge", "Jobs of rooms by state.", tasks)

    def _doors(self) -> Iterator[Family]:
        totals = self._doorway.totals().items()
        names = ("received", "accepted", "rejected", "dead")
        samples = [("", {"door": door, "what": name}, getattr(count, name)) for door, count in totals for name in names]
        yield Family("onmaru_door_total", "counter", "What came to be written, by kind of door.", samples)

    def _wellbeing(self) -> Iterator[Family]:
        parts = self._health.parts().items()
        ready = [("", {"part": part}, float(said == OK)) for part, said in parts]
        yield Family("onmaru_ready", "gauge", "1 where a part is ready; see /readyz.", ready)
        alarms = [("", {"store": store, "alarm": "rewriting"}, float(on)) for store, on in self.alarms().items()]
        yield Family("onmaru_alarm", "gauge", "1 while an alarm is shown.", alarms)
        age = time.monotonic() - self._running.witnessed
        yield Family("onmaru_witness_age_seconds", "gauge", "Since heads were last signed.", [("", {}, age)])
        folders = self._running.house.where
        left = [("", {"folder": name}, free(getattr(folders, name))) for name in ("home", "keys", "witness")]
        yield Family("onmaru_disk_free_bytes", "gauge", "Free where a folder lies; -1 unknown.", left)


def label(motion: Motion) -> str:
    """The value of `store`: tells nothing of the tenant to who has not its key, and stays over restarts."""
    return motion.seat.shelf.keyring.called()[:8]


def _waiting(motion: Motion) -> float:
    return motion.seat.home.tip() - motion.seat.home.head()


def _tasks(system: str, code: str, status: str) -> Query:
    pairs = [("code", f"{system}|{code}"), ("status", status), ("_summary", "count")]
    return search.parse(("Task",), pairs)


LETTERS = _tasks("urn:onmaru:task", "dead-letter", "requested")
JOBS = {state: _tasks("urn:onmaru:job", "", state) for state in ("requested", "in-progress", "failed")}


def counted(motion: Motion, query: Query) -> float:
    """How many resources of one tenant a query finds, whoever they are hidden from."""
    home = motion.seat.home
    return float(home.index.find(query, home.head(), 0, 0, ALL).total or 0)


def free(folder: Any) -> float:
    """Bytes that are free where a folder lies; -1 unknown."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return -1
    return float(found.f_bavail * found.f_frsize)


def _process() -> Iterator[Family]:
    built = {"version": __version__, "python": platform.python_version()}
    yield Family("onmaru_build_info", "gauge", "What runs.", [("", built, 1)])
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Family("process_cpu_seconds_total", "counter", "CPU used.", [("", {}, used.ru_utime + used.ru_stime)])
    yield Family("process_max_resident_bytes", "gauge", "Most memory held.", [("", {}, used.ru_maxrss * 1024)])
    yield Family("process_threads", "gauge", "Python threads.", [("", {}, threading.active_count())])


def _histogram(name: str, help: str, timings: Iterable[tuple[Labels, Timing]]) -> Family:
    samples: list[tuple[str, Labels, float]] = []
    for labels, timing in timings:
        running = 0
        for bound, count in zip((*BOUNDS, "+Inf"), timing.counts, strict=True):
            running += count
            samples.append(("_bucket", {**labels, "le": bound}, running))
        samples += [("_sum", labels, timing.seconds), ("_count", labels, running)]
    return Family(name, "histogram", help, samples)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
    for suffix, labels, value in family.samples:
        # Every label is ours: none holds a quote, a backslash or a line's end
        inner = ",".join(f'{name}="{one}"' for name, one in labels.items())
        yield f"{family.name}{suffix}{{{inner}}} {value:.17g}\n" if inner else f"{family.name}{suffix} {value:.17g}\n"
