"""The Accounts seam: what is saved is found again, and nothing of it lies in clear on the disk."""

from pathlib import Path

import apsw
import msgspec
import pytest

from onmaru.engines.accounts import SqliteAccounts
from onmaru.kernel.accounts import Grant, User

KEY = bytes(range(32))
NURSE = User("main", "nurse1", "간호사 하나", ("nurse",), password="$argon2id$x")


def test_a_saved_user_is_found_in_its_tenant_only(tmp_path: Path) -> None:
    accounts = SqliteAccounts(tmp_path / "accounts.db", KEY)
    accounts.save_user(NURSE)
    accounts.save_user(msgspec.structs.replace(NURSE, name="다른 이름"))
    assert accounts.user("main", "nurse1") == msgspec.structs.replace(NURSE, name="다른 이름")
    assert accounts.user("other", "nurse1") is None
    assert [u.user for u in accounts.users("main")] == ["nurse1"]
    accounts.close()


def test_grants_of_a_user_come_newest_first_and_outlive_the_process(tmp_path: Path) -> None:
    accounts = SqliteAccounts(tmp_path / "accounts.db", KEY)
    for number in (1, 2):
        accounts.save_grant(Grant(bytes([number]) * 32, "token", "main", "nurse1", number, 99, "user/*.rs"))
    accounts.close()
    accounts = SqliteAccounts(tmp_path / "accounts.db", KEY)
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
