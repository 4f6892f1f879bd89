"""What consents and labels hide from one caller, as positions: subtracted before anything is counted, chained or paged.

Its one law: the same answer as the gate gives for each version alone (kernel/gate.py), however few versions are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pyroaring import BitMap

from onmaru.engines.index.names import TYPE_NAMES
from onmaru.engines.index.rows import SECURITY
from onmaru.engines.index.tables import Tables
from onmaru.fhir.keys import Keys
from onmaru.kernel.gate import Compartments, Sight
from onmaru.kernel.labels import Coding
from onmaru.kernel.log import Version
from onmaru.kernel.portion import Ruling, Thing, denied

# Patients of whom it is kept which versions a ruling hides, and labels of which it is kept what bears them
KEPT = 1000
AHEAD = 500


class Opener(Protocol):
    """Where the veil opens versions."""

    def version(self, t: int) -> Version: ...

    def ahead(self, positions: Sequence[int]) -> None: ...

    def apply(self) -> None:
        """Index everything that was appended: a label put on just now hides too."""

    def keys(self, version: Version) -> Keys: ...

    def compartments(self, version: Version) -> Compartments: ...


class Veils:
    """What is known of parts and labels over one index; a version that stands is judged once."""

    def __init__(self, file: Tables, opener: Opener) -> None:
        self._file = file
        self._opener = opener
        self._parts: dict[tuple[str, tuple[Ruling, ...]], tuple[BitMap, BitMap]] = {}
        self._bearing: dict[Coding, tuple[BitMap, int]] = {}

    def forget(self) -> None:
        """Positions that were looked at may come to be something else."""
        self._parts.clear()
        self._bearing.clear()

    def whole(self, sight: Sight, t: int) -> BitMap:
        """What is hidden at `t` whatever is looked for: of hidden patients, inherited from any, or marked with a label."""
        file = self._file
        gone = BitMap.union(BitMap(), *(self._compartment(patient) for patient in sight.denied))
        if sight.denied or sight.rulings:
            gone |= file.inherited([*sight.denied, *sight.rulings])
        if sight.masked:
            self._opener.apply()
        if sight.masked and file.labelled:
            marked = self._marked(sight, t)
            for patient in sight.lifted:
                marked -= self._compartment(patient)
            gone |= marked
        return gone

    def parts(self, sight: Sight, found: BitMap) -> BitMap:
        """Of the positions in `found` those that consents hide as part of a patient's chart."""
        each = (self._part(one, told, found & self._compartment(one)) for one, told in sight.rulings.items())
        return BitMap.union(BitMap(), *each)

    def standing(self, denied: frozenset[str], rulings: Mapping[str, tuple[Ruling, ...]]) -> BitMap:
        """Positions of what stands and is hidden for what it inherits or for the part it belongs to."""
        file = self._file
        gone = file.inherited([*denied, *rulings])
        for patient, told in rulings.items():
            gone |= self._part(patient, told, self._compartment(patient) - file.dead)
        return gone - file.dead

    def ever(self, denied: frozenset[str], rulings: Mapping[str, tuple[Ruling, ...]]) -> BitMap:
        """The same of every version there ever was."""
        gone = self._file.inherited([*denied, *rulings])
        for patient, told in rulings.items():
            gone |= self._part(patient, told, self._compartment(patient))
        return gone

    def _compartment(self, patient: str) -> BitMap:
        rid = self._file.names.known("Patient", patient)
        if rid is None:
            return BitMap()
        return self._file.scanned("SELECT t FROM comp WHERE rid = ?", (rid,))

    def _part(self, patient: str, rulings: tuple[Ruling, ...], mine: BitMap) -> BitMap:
        """Of some of a patient's versions those that the rulings hide."""
        file = self._file
        if all(one.by_type for one in rulings):
            types = [bits for type, bits in file.by_type.items() if denied(rulings, None, TYPE_NAMES[type])]
            return mine & BitMap.union(BitMap(), *types)
        if len(self._parts) >= KEPT:
            self._parts.clear()
        known, gone = self._parts.setdefault((patient, rulings), (BitMap(), BitMap()))
        passed = BitMap()
        over = mine & file.dead
        fresh = list((mine - known) | over)
        for start in range(0, len(fresh), AHEAD):
            self._opener.ahead(fresh[start : start + AHEAD])
            for t in fresh[start : start + AHEAD]:
                if self._denied(t, rulings):
                    (passed if t in over else gone).add(t)
        known |= mine - over
        return ((mine - over) & gone) | passed

    def _denied(self, t: int, rulings: tuple[Ruling, ...]) -> bool:
        version = self._opener.version(t)
        labels = self._opener.compartments(version).labels
        return denied(rulings, Thing(version, self._opener.keys, labels), version.type)

    def _marked(self, sight: Sight, t: int) -> BitMap:
        """Versions with a label that is masked; of resources that were written since `t`, also those before."""
        marked = self.bearing(sight.masked)
        if t >= self._file.begun:
            return marked
        later = marked.copy()
        later.remove_range(0, t + 1)
        for since in later:
            rid = self._file.db.execute("SELECT rid FROM ver WHERE t = ?", (since,)).get
            before = self._file.last(int(str(rid)), t)
            if before is not None:
                labels = self._opener.compartments(self._opener.version(before)).labels
                if not sight.masked.isdisjoint(labels):
                    marked.add(before)
        return marked

    def bearing(self, codings: Iterable[Coding]) -> BitMap:
        """Positions of all versions with one of the labels."""
        return BitMap.union(BitMap(), *(self._bear(coding) for coding in codings))

    def _bear(self, coding: Coding) -> BitMap:
        """Positions of all versions with a label."""
        system = self._file.names.known_system(coding[0]) if coding[0] else 0
        if system is None:
            return BitMap()
        bits, upto = self._bearing.get(coding, (BitMap(), 0))
        key = (SECURITY, self._file.names.code(coding[1]), system)
        found = bits | self._file.beyond("SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ?", key, upto)
        committed = self._file.committed
        if len(self._bearing) >= KEPT:
            self._bearing.clear()
        kept = found.copy()
        kept.remove_range(committed + 1, 2**32)
        self._bearing[coding] = kept, committed
        return found
