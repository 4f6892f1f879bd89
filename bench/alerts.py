"""Alert episodes of hourly stays beside NEWS2-type >= 5 and fixed limits at equal recall; readings judged a second."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app.bench import Result, result
from onmaru.app.checkout import root
from onmaru.app.refusal import Refusal
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.engine import Watch
from onmaru.rooms.monitor.alerts.rules import standing

HOUR = 3600 * 1_000_000
PATIENTS, HOURS = 200, 48
MEASURES = (("9279-1", "/min", (14, 22, 26)), ("8867-4", "/min", (70, 112, 135)), ("8480-6", "mm[Hg]", (120, 98, 88)))


class Alerts(Result, frozen=True, kw_only=True):
    """`rate` is readings a second through the conditions, the floor their JSON parsed; `found` by baseline."""

    found: Mapping[str, Any]


def run(quick: bool) -> Alerts:
    """On the folder that ONMARU_BENCH_STAYS names, else the shared data's."""
    from onmaru.rooms.monitor.risk.episodes import compared
    from onmaru.rooms.monitor.risk.stays import Cohort, hourly

    folder = Path(os.environ.get("ONMARU_BENCH_STAYS") or _shared() / "vitals" / "physionet2019-setB")
    if not folder.is_dir():
        raise Refusal("there are no hourly stays: set ONMARU_BENCH_STAYS to a folder of .psv files")
    cohort: Cohort = hourly(folder)
    if quick:
        cohort = cohort._replace(stays=cohort.stays[:400])
    found = compared(cohort)
    versions = _versions(10 if quick else PATIENTS)
    began = time.perf_counter()
    for version in versions:
        msgspec.json.decode(version.body or b"")
    floor = len(versions) / (time.perf_counter() - began)
    seconds, began = [], time.perf_counter()
    watch = Watch(standing(), 12 * HOUR)
    for version in versions:
        at = time.perf_counter()
        watch.take(version)
        seconds.append(time.perf_counter() - at)
    made = result("alerts", seconds, len(versions) / (time.perf_counter() - began), floor)
    return Alerts(**{name: getattr(made, name) for name in made.__struct_fields__}, found=found)


def _shared() -> Path:
    return Path(os.environ.get("ONMARU_TEST_DATA") or root().parent / "shared" / "data")


def _versions(patients: int) -> list[Version]:
    """Made charts: three measures an hour of each patient, now well, now ill."""
    found: list[Version] = []
    for hour in range(HOURS):
        for who in range(patients):
            for number, (code, unit, values) in enumerate(MEASURES):
                at = 1_760_000_000_000_000 + hour * HOUR + len(found)
                body = {
                    "resourceType": "Observation", "id": f"{who}-{hour}-{number}", "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                    "subject": {"reference": f"Patient/{who}"}, "effectiveDateTime": instant(at),
                    "valueQuantity": {"value": values[(hour // 6 + who) % 3], "code": unit},
                }  # fmt: skip
                found.append(
                    Version(len(found) + 1, "Observation", body["id"], 1, "create", at, msgspec.json.encode(body))
                )
    return found
