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
