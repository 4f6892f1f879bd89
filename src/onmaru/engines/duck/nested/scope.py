"""A resource table as one caller sees it, now or at a past position: the SELECT that stands before every question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.nested.codings import NAME, tree
from onmaru.engines.duck.nested.files import ENDS, File, Kept, Manifest, names
from onmaru.engines.duck.nested.shape import schema
from onmaru.engines.duck.nested.sums import COUNTED, SUMMED, SUMS
from onmaru.engines.duck.nested.sums import NAME as CODED
from onmaru.engines.duck.vault import Vault
from onmaru.kernel.gate import SHARED, Sight

BEARS = (
    "EXISTS (SELECT 1 FROM (SELECT unnest($__masked) AS m) m WHERE contains(' ' || {labels} || ' ', ' ' || m.m || ' '))"
)
OF_ANY = "list_has_any(string_split(r._patients, ' '), {patients})"
EVEN_SO = "EXISTS (SELECT 1 FROM {ends} e WHERE e.id = r.id AND e._version = r._version{then})"


class Scope:
    """Collects what one query needs: `parts` are Arrow data by the name that the SQL gives them, `given` parameters."""

    def __init__(self, sight: Sight, t: int | None) -> None:
        self.parts: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self.sight = sight
        self._t = t

    def select(self, vault: Vault, name: str, kept: Kept) -> str:
        """The rows of a resource table that stood at `t`, or stand now, and that the caller sees."""
        return f"SELECT '{name}/' || r.id AS _source, r.* EXCLUDE (_ended) FROM {self._rows(vault, name, kept, kept)}"

    def codings(self, vault: Vault, manifest: Manifest) -> str:
        """The same of the codings of all types: of those that are narrowed alike at once, of others one by one."""
        alike = {type: kept for type, kept in manifest.codings.items() if self._alike(type, kept)}
        files = [(file.name, type) for type, kept in alike.items() for file in kept.standing]
        selects = [
            f"SELECT '{type}/' || r.id AS _source, '{type}' AS type, r.* EXCLUDE (_ended) FROM "
            + self._rows(vault, f"{NAME}_{type}", kept, manifest.of(type))
            for type, kept in manifest.codings.items()
            if type not in alike
        ]
        if files or not selects:
            wanted = " AND ".join(["r._ended IS NULL", *self._seen(vault, Kept(tree("")))])
            rows = self._typed(vault, NAME, files, schema(tree("")))
            columns = "r.type || '/' || r.id AS _source, r.type, r.* EXCLUDE (type, _ended)"
            selects.insert(0, f"SELECT {columns} FROM {rows} r WHERE {wanted}")
        return " UNION ALL ".join(selects)

    def coded(self, vault: Vault, manifest: Manifest) -> str:
        """Who had which code: by the sums that lie beside the codings, or counted from these."""
        alike = {type: kept for type, kept in manifest.codings.items() if self._alike(type, kept)}
        summed = {type: kept for type, kept in alike.items() if all(file.sums for file in kept.standing)}
        files = [(name, type) for type, kept in summed.items() for name in kept.sums]
        selects = [
            COUNTED.format(type=type, rows=self._rows(vault, f"{NAME}_{type}", kept, manifest.of(type)))
            for type, kept in manifest.codings.items()
            if type not in summed
        ]
        if files or not selects:
            wanted = self._seen(vault, Kept(tree("")))
            where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
            rows = self._typed(vault, CODED, files, SUMS)
            selects.insert(0, SUMMED.format(rows=f"{rows} r{where}"))
        return " UNION ALL ".join(selects)

    def _alike(self, type: str, kept: Kept) -> bool:
        """Whether the same conditions narrow it as any other type: of now, nothing ended since, none hidden by name."""
        sight = self.sight
        if self._t is not None or kept.ends or type in SHARED:
            return False
        permitted = sight.types is None or type in sight.types
        return permitted and not any(one.startswith(f"{type}/") for one in sight.concealed)

    def _typed(self, vault: Vault, name: str, files: Sequence[tuple[str, str]], of: pa.Schema) -> str:
        part = f"__{name}"
        self.parts[part] = vault.typed(files, of.insert(0, pa.field("type", pa.string())))
        return f'"{part}"'

    def _rows(self, vault: Vault, name: str, kept: Kept, whole: Kept) -> str:
        """FROM and WHERE of files that hold rows of one type; `whole` are all its rows."""
        files = kept.standing if self._t is None else [*kept.standing, *kept.past]
        rows = self._part(vault, name, [file for file in files if self._t is None or file.first <= self._t], kept)
        wanted = [*self._standing(vault, name, kept), *self._seen(vault, whole)]
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        return f"{rows} r{where}"

    def _part(self, vault: Vault, name: str, files: Sequence[File], kept: Kept, more: str = "") -> str:
        of = schema(kept.tree)
        if "id" not in of.names:
            of = of.insert(0, pa.field("id", pa.string()))
        part = f"__{more}{name}"
        self.parts[part] = vault.dataset(list(names(files)), of)
        return f'"{part}"'

    def _standing(self, vault: Vault, name: str, kept: Kept) -> list[str]:
        found = ["r._ended IS NULL"]
        then = ""
        if self._t is not None:
            self.given["__at"] = self._t
            found = ["r._t <= $__at", "(r._ended IS NULL OR r._ended > $__at)"]
            then = " AND e._t <= $__at"
        if kept.ends:
            part = f"__ends_{name}"
            self.parts[part] = vault.dataset(list(names(kept.ends)), ENDS)
            ended = EVEN_SO.format(ends=f'"{part}"', then=then)
            found.append(f"NOT {ended}")
        return found

    def _seen(self, vault: Vault, kept: Kept) -> list[str]:
        """What the gate says of a version (kernel/gate.py, Sight.shows), as conditions. `kept`: all rows of its type, or of
        types that are `_alike`, and then without a type.
        """
        sight, name = self.sight, kept.tree.type
        found: list[str] = []
        if name and sight.types is not None and name not in sight.types:
            found.append("false")
        if sight.denied:
            # One patient is the rule, and a look into a set costs less than one into a list
            found.append("r._patient NOT IN (SELECT unnest($__denied))")
            found.append(f"NOT (contains(r._patients, ' ') AND {OF_ANY.format(patients='$__denied')})")
            self.given["__denied"] = sorted(sight.denied)
        if sight.only is not None:
            nobodys = "r._patients = ''" if name in SHARED else "false"
            found.append(f"({OF_ANY.format(patients='$__only')} OR {nobodys})")
            self.given["__only"] = sorted(sight.only)
        return [*found, *self._concealed(name), *self._unmarked(vault, name, kept)]

    def _concealed(self, name: str) -> list[str]:
        """What a consent hides though the row does not say so: of now by name, of the past by position."""
        if self._t is None:
            mine = [one.partition("/")[2] for one in self.sight.concealed if one.startswith(f"{name}/")]
            if not mine:
                return []
            self.parts[f"__hidden_{name}"] = pa.table({"id": pa.array(mine, pa.string())})
            return [f'r.id NOT IN (SELECT id FROM "__hidden_{name}")']
        if not self.sight.concealed_at:
            return []
        self.parts["__hidden"] = pa.table({"t": pa.array(sorted(self.sight.concealed_at), pa.int64())})
        return ["r._t NOT IN (SELECT t FROM __hidden)"]

    def _unmarked(self, vault: Vault, name: str, kept: Kept) -> list[str]:
        """Nothing that bears a masked label; of the past nothing whose newest version bears one either."""
        if not self.sight.masked:
            return []
        self.given["__masked"] = self.sight.marks
        found = f"NOT {BEARS.format(labels='r._labels')}"
        if self._t is not None:
            newest = self._part(vault, name, [*kept.standing, *kept.past], kept, "all_")
            last = f"SELECT id, arg_max(_labels, _version) AS l FROM {newest} GROUP BY id"
            found += f" AND r.id NOT IN (SELECT n.id FROM ({last}) n WHERE {BEARS.format(labels='n.l')})"
        if self.sight.lifted:
            self.given["__lifted"] = sorted(self.sight.lifted)
            found = f"(list_contains($__lifted, r._patients) OR ({found}))"
        return [found]
