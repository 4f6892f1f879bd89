"""Proof of the OMOP room: the Synthea record accounted for to the last row, and a renewal equal to a run over everything."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from onmaru.app.evidence import Figures, Proof
from onmaru.app.prove.copied import Copied
from onmaru.app.prove.corpus import files
from onmaru.app.prove.tests import passed
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.rooms.omop.derivation import DERIVATION
from onmaru.rooms.omop.projection import Omop
from onmaru.rooms.omop.vocabulary import read

KEY = b"k" * 32
SIZE = 60_000  # ONMARU_PROVE_SIZE asks for another
NEW = 100
MANY, SECOND = 1_000_000, 1.0
RENEWAL = "renewal after 100, seconds"


def followed(log: Copied, folder: Path) -> tuple[ColumnarTables, float]:
    """A store that has followed the log and made nothing of it yet, and how many seconds the following took."""
    store = ColumnarTables(folder, KEY, [Omop()], [(DERIVATION, {})])
    vocabulary = files()[0].parents[1] / "omop" / "synthea27nj"
    for name, file in read(vocabulary).items():
        store.publish(name, file.batches)
    started = time.perf_counter()
    while store.catch_up(store.projections[0], log):  # type: ignore[arg-type]  # as much of a log as is needed
        pass
    return store, time.perf_counter() - started


def renewed(store: ColumnarTables) -> float:
    """Seconds that a renewal takes."""
    started = time.perf_counter()
    store.derivations.renew()
    return time.perf_counter() - started


def prove() -> Figures:
    """Reconcile the Synthea load; then follow a log of copies in steps of 100 and compare with a run over all of it."""
    closing = passed("tests/journeys/test_omop_figures.py", "tests/journeys/test_omop_tables.py")
    return {"tests": closing, **_stepped(int(os.environ.get("ONMARU_PROVE_SIZE", SIZE)))}


def renewal(resources: int = MANY) -> Figures:
    """The same at a tenth and at the whole of a size: how long a renewal takes must hang on the change alone."""
    small, large = (_stepped(size) for size in (max(resources // 10, NEW), resources))
    took = large[RENEWAL]
    figures = {**large, f"of {small['resources']:,} resources": small[RENEWAL]}
    assert took < SECOND, f"a renewal takes {took} s - {figures}"
    return figures


def _stepped(size: int) -> Figures:
    log = Copied(files(), size)
    with tempfile.TemporaryDirectory(prefix="onmaru-omop-") as scratch:
        store, follow = followed(log, Path(scratch) / "renewed")
        full = renewed(store)
        each = []
        for _ in range(5):
            log.size += NEW
            store.catch_up(store.projections[0], log)  # type: ignore[arg-type]  # as above
            each.append(renewed(store))
        whole, _ = followed(log, Path(scratch) / "whole")
        renewed(whole)
        rows = 0
        for step in DERIVATION.kept:
            if step.kind != "codes":
                rows += _same(step.table.name, store, whole)
        store.close()
        whole.close()
    return {
        "resources": log.size,
        "rows compared": rows,
        "followed a second": round(size / follow),
        "made a second": round(size / full),
        RENEWAL: round(sorted(each)[len(each) // 2], 3),
    }


def _same(name: str, ours: ColumnarTables, theirs: ColumnarTables) -> int:
    """How many rows a table has, after comparing all of them."""
    view = View(name, f"SELECT count(*) AS n, sum(hash(r)) AS sum, bit_xor(hash(r)) AS mixed FROM {name} r", (name,))  # noqa: S608 - a table of ours
    found, wanted = (store.query(view, {}, ALL).to_pylist() for store in (ours, theirs))
    assert found == wanted, f"table {name} differs from a run over everything"
    return int(found[0]["n"])


PROOFS = (
    Proof(
        "4.omop",
        "Every resource is accounted for in the CDM to the last row; a renewal equals a run over everything.",
        prove,
    ),
    Proof(
        "4.renewal",
        "At a million resources the CDM is renewed after 100 new ones in less than 1 s, and equals a run over everything.",
        renewal,
        ("resources",),
    ),
)
