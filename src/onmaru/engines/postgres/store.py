"""What all tenants of one database share: their wrapped keys, so that every worker opens them, and the accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from onmaru.engines.keyring import KeyLost, write_new
from onmaru.engines.postgres.accounts import SCHEMA, TABLES, PgAccounts
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.ledger import PgLedger
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.reading import PgReading
from onmaru.engines.postgres.schema import schema_of, tenants
from onmaru.engines.postgres.verify import PgVerifier
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.witness import Head


class Store:
    """One database at an address `postgresql://user@host:port/name`; the password is found as libpq finds it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._link = Link(address, SCHEMA)
        self._link.script(TABLES)

    def tenants(self) -> list[str]:
        """The tenants that live here."""
        return tenants(self._link)

    def same_key(self, tenant: str, folder: Path) -> None:
        """Have the tenant's wrapped key in the worker's folder and in the database; KeyLost when they are two."""
        path = folder / "tenant.key"
        if path.exists():
            self._link.execute("INSERT INTO tenant VALUES(?, ?) ON CONFLICT DO NOTHING", (tenant, path.read_bytes()))
        stored = self._link.execute("SELECT wrapped FROM tenant WHERE name = ?", (tenant,)).get
        if stored is None:
            return
        if not path.exists():
            write_new(path, stored)
        elif path.read_bytes() != stored:
            raise KeyLost(f"tenant {tenant}: its key in this home is not the one in the database")

    def home(self, folder: Path, keys: Keys, now: Callable[[], int]) -> PgHome:
        """A worker's part in a tenant; `folder` is its own, for what it follows by itself."""
        return PgHome(self.address, keys, now, folder)

    def ledger(self, keys: Keys) -> PgLedger:
        """The ledger of a tenant's subscriptions, for all workers."""
        return PgLedger(self.address, keys.tenant, keys.pages)

    def verifier(self, folder: Path, keys: Keys, heads: Sequence[Head]) -> PgVerifier:
        """What proves a tenant's rows to be as they were written."""
        return PgVerifier(self.address, folder, keys, heads)

    def accounts(self, key: bytes) -> PgAccounts:
        """Users and grants of all tenants."""
        return PgAccounts(self.address, key)

    def recorded(self, tenant: str) -> bool:
        """Whether a record of the tenant is here, and not on its way here."""
        if tenant not in self.tenants():
            return False
        moving = f"SELECT 1 FROM \"{schema_of(tenant)}\".fact WHERE name = 'moving'"
        return not self._link.execute(moving)

    def reading(self, keys: Keys) -> Callable[[], PgReading]:
        """What opens a tenant's rows for a backup."""
        return partial(PgReading, self.address, keys)

    def forget_key(self, tenant: str) -> None:
        """Destroy a tenant's wrapped key in the database."""
        self._link.execute("DELETE FROM tenant WHERE name = ?", (tenant,))
        self._link.script("VACUUM tenant")

    def forget(self, tenant: str) -> None:
        """Destroy a tenant's schema, and those that moves have left behind of it."""
        left = self._link.execute(
            "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname ~ ?", (f"^left-{tenant}-[0-9]+$",)
        )
        for (schema,) in [(schema_of(tenant),), *left]:
            self._link.script(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')

    def close(self) -> None:
        """Leave."""
        self._link.close()
