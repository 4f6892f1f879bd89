"""The ledger of what a correct system must end with once it has taken every event, faults included."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """Who an MRN belongs to. `birth` is ISO 8601, `sex` M or F."""

    name: str
    latin: str
    birth: str
    sex: str


class Stay(msgspec.Struct):
    """One visit. `mrn` as the last message about it says; `kind` O, E or I; `status` in-progress, finished or cancelled;
    `place`: ward, room and bed as last corrected.
    """

    mrn: str
    kind: str
    status: str
    place: str


class Truth(msgspec.Struct):
    """Counts are by the MRN under which facts were sent; `merged` maps a number given up to the one that stays.

    observations: OBX of results and vital signs, a corrected one counted once. conditions: distinct diagnoses (DG1-20).
    corrected: "filler number/LOINC" → the value that holds. refused: broken messages by kind, none of which may leave a
    trace in the record; the sound message follows each at once. `mislabelled` copies name the wrong character set:
    refused or read rightly, they change nothing. Counts of what was sent are in `sent` (by message type, without faults),
    `repeated`, `held_back` and `overtaken`.
    """

    patients: dict[str, Identity] = {}
    merged: dict[str, str] = {}
    deceased: set[str] = set()
    stays: dict[str, Stay] = {}
    observations: dict[str, int] = {}
    conditions: dict[str, int] = {}
    documents: dict[str, int] = {}
    prescriptions: dict[str, int] = {}
    administrations: dict[str, int] = {}
    answers: dict[str, int] = {}
    appointments: dict[str, int] = {}
    allergies: dict[str, int] = {}
    corrected: dict[str, str] = {}
    sent: dict[str, int] = {}
    refused: dict[str, int] = {}
    mislabelled: int = 0
    repeated: int = 0
    held_back: int = 0
    overtaken: int = 0

    def survivors(self) -> dict[str, Identity]:
        """The people, each under the one number that stays."""
        return {mrn: who for mrn, who in self.patients.items() if mrn not in self.merged}

    def folded(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by surviving MRN."""
        out: dict[str, int] = {}
        for mrn, n in counts.items():
            kept = self.merged.get(mrn, mrn)
            out[kept] = out.get(kept, 0) + n
        return out


def count(ledger: dict[str, int], key: str, n: int = 1) -> None:
    """Add to one count."""
    ledger[key] = ledger.get(key, 0) + n
