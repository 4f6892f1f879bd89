"""The reaction that lets registered models judge the patients of the wards that the site named, each full hour of a stay.

Its one law: what a model says bears the state it is in at that moment; without models, or wards for them, nothing is done.
"""

from __future__ import annotations

import logging
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.log import Version
from onmaru.kernel.outbound import Letter, Push
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Reaction, Setting
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.models.entry import Entry, pack, pack_id
from onmaru.rooms.monitor.models.registry import registry
from onmaru.rooms.monitor.models.risk import Judgement, Reason, assessment
from onmaru.rooms.monitor.models.whereabouts import arrived, within

if TYPE_CHECKING:
    from onmaru.rooms.monitor.risk.training import Model

HOUR = 3_600_000_000
# How often it is looked whose next hour since admission is full
LOOK = 30_000_000
REASONS = 5
# Recipes whose features the chart tells, and whether they are for intensive care alone or for nobody there (as in
# `forms.FORMS`, which needs numpy); death at 48 hours is judged once and is not among them
SERVED = {"sepsis-6h": True, "deterioration-24h": False}
log = logging.getLogger("onmaru.models")


class Serving:
    """Of one tenant: which models judge, and whom in this hour. Computing is done in a thread, one patient at a time."""

    def __init__(self, hall: Hall, now: int) -> None:
        self._began = now
        self._wards = frozenset(str(hall.settings["model_wards"]).split())
        self._intensive = frozenset(str(hall.settings["icu_wards"]).split())
        self._moved = bool(self._wards)
        self._looked = 0
        self._icu: frozenset[str] = frozenset()
        self._arrivals: dict[tuple[str, str], int | None] = {}
        self._hours: dict[str, int] = {}
        self._waiting: deque[tuple[Mapping[str, Any], int]] = deque()
        self._models: dict[str, Model] = {}
        self._judging: tuple[tuple[Entry, str], ...] = ()
        self._worker = ThreadPoolExecutor(1, "models") if self._wards else None
        self._work: tuple[Mapping[str, Any], Future[list[tuple[str, Judgement]]]] | None = None
        self._loading: Future[dict[str, Model]] | None = None

    @property
    def learns(self) -> int:
        """What was written before this house looked is asked of the record."""
        return self._began

    def take(self, versions: Sequence[Version]) -> None:
        """A model, or a step with one, may have changed what is active."""
        if self._wards and any(b"urn:onmaru:monitor" in (one.body or b"") or one.body is None for one in versions):
            self._moved = True

    def act(self, hall: Hall, now: int) -> Sequence[Letter | Push]:
        """Go on by one patient, of those whose hour is full."""
        if self._worker is None:
            return ()
        if self._moved:
            self._moved = False
            self._choose(hall)
        if self._loading is not None:
            if self._loading.done():
                self._models, self._loading = self._loading.result(), None
            return ()
        if self._work is not None:
            self._finish(hall)
        if now - self._looked >= LOOK and self._judging and not self._waiting:
            self._looked = now
            self._waiting = deque(self._due(hall, now))
        if self._work is None and self._waiting:
            self._begin(hall, *self._waiting.popleft())
        return ()

    def _choose(self, hall: Hall) -> None:
        """Of each model the active version, and the newest one that is in shadow beside it."""
        found = registry(hall)
        self._icu = within(hall, self._intensive)
        chosen: dict[tuple[str, str], Entry] = {}
        for entry in found.entries:
            if entry.name in SERVED:
                chosen.setdefault((entry.name, found.standing[entry.id].state), entry)
        before = {entry.digest for entry, _ in self._judging}
        self._judging = tuple((entry, state) for (_, state), entry in chosen.items())
        wanted = {entry.digest: entry for entry, _ in self._judging if entry.digest not in self._models}
        self._models = {key: one for key, one in self._models.items() if key in {e.digest for e, _ in self._judging}}
        if before != {entry.digest for entry, _ in self._judging}:
            self._hours.clear()
            self._looked = 0
        if wanted and self._worker is not None:
            packs = {digest: _raw(hall, entry) for digest, entry in wanted.items()}
            self._loading = self._worker.submit(_opened, packs, dict(self._models))

    def _due(self, hall: Hall, now: int) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Whoever lies in one of the wards and has been there for one more full hour, with the end of that hour.

        In intensive care hours count from the arrival there, as they did in training; elsewhere from the stay's start.
        """
        here = hall.lake.query(views.PLACES, {"one": "", "ward": ""}).table.to_pylist()
        mine = {str(row["encounter"]): row for row in here if row["ward"] in self._wards and row["low"] is not None}
        self._hours = {stay: hour for stay, hour in self._hours.items() if stay in mine}
        self._arrivals = {key: since for key, since in self._arrivals.items() if key[0] in mine}
        for stay, row in mine.items():
            start = self._arrived(hall, stay, row) if row["ward"] in self._intensive else int(row["low"])
            hour = (now - start) // HOUR if start is not None else 0
            if start is not None and hour >= 1 and hour != self._hours.get(stay):
                self._hours[stay] = hour
                yield {**row, "low": start, "admitted": int(row["low"])}, start + hour * HOUR

    def _arrived(self, hall: Hall, stay: str, row: Mapping[str, Any]) -> int | None:
        """Asked of the chart once for each bed of a stay."""
        key = (stay, str(row["bed"]))
        if key not in self._arrivals:
            type_, _, id = stay.partition("/")
            body = msgspec.json.decode(hall.record.read(type_, id).body or b"{}")
            self._arrivals[key] = arrived(body, self._icu)
        return self._arrivals[key]

    def _begin(self, hall: Hall, place: Mapping[str, Any], upto: int) -> None:
        params = {"patient": place["patient"], "start": place["low"], "upto": upto - 1}
        hours = hall.lake.query(views.HOURS, params).table.to_pylist()
        if self._worker is not None:
            asked = [
                (entry.digest, self._models[entry.digest])
                for entry, _ in self._judging
                if entry.digest in self._models and SERVED[entry.name] == (place["ward"] in self._intensive)
            ]
            self._work = place, self._worker.submit(_judged, asked, place, hours, upto)

    def _finish(self, hall: Hall) -> None:
        if self._work is None or not self._work[1].done():
            return
        place, done = self._work
        self._work = None
        try:
            found = dict(done.result())
        except Exception as error:  # noqa: BLE001 - one patient's numbers must not end the others' hour
            log.error("a patient was not judged: %s", type(error).__name__)
            return
        for entry, state in self._judging:
            if entry.digest not in found:
                continue
            one = found[entry.digest]
            blob = "" if state == "active" else hall.blobs.put([msgspec.json.encode(one)], one.patient, "model-shadow")
            body = assessment(entry, state, one, str(place["encounter"] or ""), blob)
            try:
                hall.record.write(
                    [Change("update", "RiskAssessment", body["id"], msgspec.json.encode(body), absent=True)]
                )
            except Invalid as error:
                if error.status not in (409, 412):
                    log.error("a judgement was not taken by the record: %s", error.issues[0].code)


def _raw(hall: Hall, entry: Entry) -> bytes:
    return pack(hall.record.read("Library", pack_id(entry.id)).body or b"{}")


def _opened(packs: Mapping[str, bytes], models: dict[str, Model]) -> dict[str, Model]:
    """The models of the packs beside those that are open; one that cannot be opened judges nobody."""
    from onmaru.rooms.monitor.risk.packed import digest, unpacked
    from onmaru.rooms.monitor.risk.stays import Unreadable
    from onmaru.rooms.monitor.risk.training import opened

    for name, raw in packs.items():
        with tempfile.TemporaryDirectory(prefix="onmaru-model-") as folder:
            try:
                unpacked(raw, Path(folder))
                if digest(Path(folder)) == name:
                    models[name] = opened(Path(folder))
                else:
                    log.error("a pack is not the model that the registry names")
            except Unreadable:
                log.error("a registered model cannot be opened")
    return models


def _judged(
    asked: Sequence[tuple[str, Model]], place: Mapping[str, Any], hours: Sequence[Mapping[str, Any]], upto: int
) -> list[tuple[str, Judgement]]:
    from onmaru.rooms.monitor.models import charted
    from onmaru.rooms.monitor.models.forms import FORMS
    from onmaru.rooms.monitor.risk import boosting

    found = []
    for digest, model in asked:
        form = FORMS[model.kept.recipe]
        stay = charted.stay(form, place, hours, upto)
        rows = charted.judged(form, stay) if stay is not None else None
        if rows is None or list(rows.names) != model.kept.features:
            continue
        risk, (low, high) = model.probability(rows.x)[0], model.bounds(rows.x)
        weights = boosting.reasons(model.trees, rows.x)[0]
        order = sorted(range(len(weights)), key=lambda one: -abs(weights[one]))[:REASONS]
        reasons = tuple(_reason(rows.names[one], rows.x[0, one], weights[one]) for one in order)
        shares = [round(float(one), 4) for one in (risk, low[0], high[0])]
        found.append((digest, Judgement(str(place["patient"]), upto, shares[0], shares[1], shares[2], reasons)))
    return found


def _reason(name: str, value: float, weight: float) -> Reason:
    # NaN is the only value that is not itself
    return Reason(name, None if value != value else round(float(value), 3), round(float(weight), 3))


REACTION = Reaction("models", frozenset({"Library", "Task"}), Serving)
SETTINGS = (
    Setting(
        "model_wards", "", "Wards (`Location/ID`, separated by spaces) whose patients registered risk models judge"
    ),
    Setting("icu_wards", "", "Wards (`Location/ID`, separated by spaces) that are intensive care"),
)
SCOPES = ("user/RiskAssessment.cruds", "user/Binary.c")
