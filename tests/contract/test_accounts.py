"""The Accounts seam: what is saved is found again, and nothing of it lies in clear on the disk."""

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from onmaru.engines.accounts import SqliteAccounts
from onmaru.engines.postgres.schema import drop
from onmaru.engines.postgres.store import Store
from onmaru.kernel.accounts import Accounts, Grant, User
from onmaru.kernel.tenancy import Exported, Limits, Tenancy

KEY = bytes(range(32))
Opening = Callable[[], Accounts]
NURSE = User("main", "nurse1", "간호사 하나", ("nurse",), password="$argon2id$x")


@pytest.fixture(params=["sqlite", "postgres"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opening]:
    """Opens the accounts, the same ones each time."""
    if request.param == "sqlite":
        yield lambda: SqliteAccounts(tmp_path / "accounts.db", KEY)
        return
    store = Store(request.getfixturevalue("database"))
    yield lambda: store.accounts(KEY)
    store.close()
    drop(store.address, "main")


def test_a_saved_user_is_found_in_its_tenant_only(opening: Opening) -> None:
    accounts = opening()
    accounts.save_user(NURSE)
    accounts.save_user(msgspec.structs.replace(NURSE, name="다른 이름"))
    assert accounts.user("main", "nurse1") == msgspec.structs.replace(NURSE, name="다른 이름")
    assert accounts.user("other", "nurse1") is None
    assert [u.user for u in accounts.users("main")] == ["nurse1"]
    accounts.close()


def test_grants_of_a_user_come_newest_first_and_outlive_the_process(opening: Opening) -> None:
    accounts = opening()
    for number in (1, 2):
        accounts.save_grant(Grant(bytes([number]) * 32, "token", "main", "nurse1", number, 99, "user/*.rs"))
    accounts.close()
    accounts = opening()
    assert [g.created for g in accounts.grants("main", "nurse1")] == [2, 1]
    found = accounts.grant(b"\x01" * 32)
    assert found is not None and found.scopes == "user/*.rs"
    assert accounts.grant(b"\x03" * 32) is None
    accounts.close()


def test_the_file_is_unreadable_without_its_key(tmp_path: Path) -> None:
    accounts = SqliteAccounts(tmp_path / "accounts.db", KEY)
    accounts.save_user(NURSE)
    accounts.close()
    bytes_on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"nurse1" not in bytes_on_disk and "간호사".encode() not in bytes_on_disk
    with pytest.raises(apsw.NotADBError):
        SqliteAccounts(tmp_path / "accounts.db", bytes(32))


def test_nothing_of_an_account_lies_in_clear_in_the_database(database: str) -> None:
    store = Store(database)
    accounts = store.accounts(KEY)
    accounts.save_user(NURSE)
    (value,) = (value for name, value in store._link.execute("SELECT name, value FROM account") if name == "nurse1")
    assert "간호사".encode() not in value and b"argon2" not in value
    accounts.close()
    store.close()
    drop(database, "main")


def test_what_is_kept_of_a_tenant_outlives_it_and_its_accounts_do_not(opening: Opening) -> None:
    accounts = opening()
    kept = Tenancy("leaver", "suspended", 7, "operator", "까닭", limits=Limits(rate=3), exported=Exported(5, 9, "ab"))
    accounts.save_tenancy(kept)
    accounts.save_tenancy(msgspec.structs.replace(kept, state="destroyed"))
    for tenant in ("leaver", "stayer"):
        accounts.save_user(msgspec.structs.replace(NURSE, tenant=tenant))
        accounts.save_grant(Grant(tenant.encode(), "token", tenant, "nurse1", 1, 99))
        accounts.kept(f"signing/{tenant}", lambda: b"secret")
    accounts.remove_tenant("leaver")
    accounts.remove_tenant("leaver")
    accounts.close()
    accounts = opening()
    assert accounts.tenancy("leaver") == msgspec.structs.replace(kept, state="destroyed")
    assert accounts.tenancy("stayer") is None
    assert [one.tenant for one in accounts.tenancies()] == ["leaver"]
    assert accounts.users("leaver") == [] and accounts.grant(b"leaver") is None
    assert accounts.kept("signing/leaver", lambda: b"another") == b"another"
    assert [one.user for one in accounts.users("stayer")] == ["nurse1"] and accounts.grant(b"stayer") is not None
    assert accounts.kept("signing/stayer", lambda: b"another") == b"secret"
    accounts.save_tenancy(Tenancy("leaver"))
    accounts.remove_tenant("stayer")
    accounts.close()
