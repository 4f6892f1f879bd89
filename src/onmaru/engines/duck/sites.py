"""Site tables, such as a vocabulary: published whole, each replaced in one step, seen by every caller of the tenant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.ipc

from onmaru.engines.duck.vault import Vault
from onmaru.engines.keyring import write_new
from onmaru.kernel.projection import ColumnType, Table

FILE = "sites.json"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class _Site(msgspec.Struct, frozen=True):
    name: str
    file: str
    schema: bytes


class Sites:
    """The site tables of one tenant."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        found = _load(vault.folder / FILE)
        self._kept = {one.name: one for one in found}
        vault.remove(vault.names() - {one.file for one in found})

    def tables(self) -> dict[str, Table]:
        """Every site table by name."""
        return {
            name: Table(name, tuple((field.name, _kind(field.type)) for field in _schema(one)))
            for name, one in self._kept.items()
        }

    def has(self, name: str) -> bool:
        """Whether there is a site table of that name."""
        return name in self._kept

    def files(self) -> dict[str, str]:
        """The file of every site table, by which two editions of it are told apart."""
        return {name: one.file for name, one in self._kept.items()}

    def dataset(self, name: str) -> Any:
        """What a site table holds; KeyError when there is none of that name."""
        one = self._kept[name]
        return self.vault.rows([one.file] if one.file else [], _schema(one))

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> set[str]:
        """Replace it; the files that count no more."""
        if not NAME.fullmatch(name):
            raise ValueError(
                "a site table's name is lower-case letters, digits and underscores, beginning with a letter"
            )
        file, _ = self.vault.write(table.to_batches() if isinstance(table, pa.Table) else table, table.schema)
        made = {**self._kept, name: _Site(name, file, table.schema.serialize().to_pybytes())}
        self.vault.sync()
        write_new(self.vault.folder / FILE, msgspec.json.encode(list(made.values())))
        left = ({one.file for one in self._kept.values() if one.file} | self.vault.fresh) - {
            one.file for one in made.values()
        }
        self._kept = made
        self.vault.fresh.clear()
        return left


def _load(path: Path) -> list[_Site]:
    return msgspec.json.decode(path.read_bytes(), type=list[_Site]) if path.exists() else []


def _schema(one: _Site) -> pa.Schema:
    return pyarrow.ipc.read_schema(pa.py_buffer(one.schema))


def _kind(kind: pa.DataType) -> ColumnType:
    tests: tuple[tuple[Any, ColumnType], ...] = (
        (pa.types.is_boolean, "bool"),
        (pa.types.is_integer, "int"),
        (pa.types.is_floating, "float"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
    )
    return next((name for test, name in tests if test(kind)), "text")
