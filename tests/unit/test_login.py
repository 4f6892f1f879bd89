"""From a secret to a Caller."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from onmaru.engines.accounts import SqliteAccounts
from onmaru.fhir.outcome import Invalid
from onmaru.kernel import password
from onmaru.kernel.accounts import User
from onmaru.kernel.attempts import Attempts
from onmaru.kernel.login import MINUTE, SECOND, Logins

DOCTOR = User("main", "doctor", "의사", ("physician",))


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock, tmp_path: Path) -> Iterator[Logins]:
    accounts = SqliteAccounts(tmp_path / "accounts.db", bytes(32))
    accounts.save_user(DOCTOR)
    yield Logins(accounts, b"k" * 32, clock)
    accounts.close()


def test_a_password_is_kept_as_rfc_9106_asks() -> None:
    found = importlib.util.find_spec(password.__name__)
    assert found is not None and found.loader is not None
    fresh = importlib.util.module_from_spec(found)  # the module as it is, without the cheaper hash of the other tests
    found.loader.exec_module(fresh)
    kept = fresh.hash_of("correct horse")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert password.holds(kept, "correct horse") and not password.holds(kept, "correct horses")


def test_a_token_stands_until_it_expires(logins: Logins, clock: Clock) -> None:
    secret, _ = logins.issue(DOCTOR, "user/Observation.rs", lasts=MINUTE)
    standing = logins.standing(secret)
    assert standing is not None
    caller = logins.caller(standing, "", "r1", "127.0.0.1")
    assert caller.user == "doctor" and caller.purpose == "TREAT" and caller.request == "r1"
    assert [(s.type, sorted(s.verbs)) for s in caller.scopes] == [("Observation", ["r", "s"])]
    clock.now += MINUTE
    assert logins.standing(secret) is None


def test_a_revoked_token_opens_nothing_at_once(logins: Logins) -> None:
    secret, grant = logins.issue(DOCTOR, "")
    assert logins.standing(secret) is not None
    logins.revoke(grant)
    assert logins.standing(secret) is None


def test_a_token_revoked_by_another_process_is_noticed_within_a_second(logins: Logins, clock: Clock) -> None:
    secret, grant = logins.issue(DOCTOR, "")
    assert logins.standing(secret) is not None
    logins.accounts.save_grant(msgspec.structs.replace(grant, revoked=True))
    clock.now += SECOND
    assert logins.standing(secret) is None


def test_a_disabled_user_opens_nothing_at_once(logins: Logins) -> None:
    secret, _ = logins.issue(DOCTOR, "")
    assert logins.standing(secret) is not None
    logins.keep_user(msgspec.structs.replace(DOCTOR, disabled=True))
    assert logins.standing(secret) is None


def test_a_scope_that_the_roles_do_not_hold_gives_no_token(logins: Logins) -> None:
    with pytest.raises(Invalid):
        logins.issue(DOCTOR, "user/Claim.c")


def test_a_secret_is_never_kept(logins: Logins) -> None:
    secret, grant = logins.issue(DOCTOR, "")
    assert secret.encode() not in msgspec.msgpack.encode(grant)
    assert logins.standing(secret + "x") is None and logins.standing("") is None


def test_a_session_ends_when_idle_and_lives_on_when_used(logins: Logins, clock: Clock) -> None:
    secret, _ = logins.open_session("main", "doctor")
    for _ in range(3):
        clock.now += 20 * MINUTE
        assert logins.standing(secret) is not None
    clock.now += 30 * MINUTE
    assert logins.standing(secret) is None


def test_a_session_in_constant_use_still_ends_after_twelve_hours(logins: Logins, clock: Clock) -> None:
    secret, _ = logins.open_session("main", "doctor")
    for _ in range(12 * 3 - 1):
        clock.now += 20 * MINUTE
        assert logins.standing(secret) is not None
    clock.now += 20 * MINUTE
    assert logins.standing(secret) is None


def test_passwords_are_checked_and_a_new_one_ends_the_sessions(logins: Logins) -> None:
    user = logins.set_password(DOCTOR, "correct horse")
    assert logins.knows("main", "doctor", "correct horse")
    assert not logins.knows("main", "doctor", "wrong horse")
    assert not logins.knows("main", "nobody", "correct horse")
    secret, _ = logins.open_session("main", "doctor")
    assert logins.standing(secret) is not None
    logins.set_password(user, "another horse")
    assert logins.standing(secret) is None
    with pytest.raises(Invalid):
        logins.set_password(user, "short")


def test_a_mark_makes_a_try_one_of_a_known_device(logins: Logins) -> None:
    mark = logins.devices.mark("main", "doctor", logins.now())
    stranger, known = logins.trying("main", "doctor", "10.0.0.1", ""), logins.trying("main", "doctor", "10.0.0.1", mark)
    assert not stranger.device and known.device
    for _ in range(5):
        assert logins.blocked(stranger) == 0
        logins.counted(stranger, right=False)
    assert logins.blocked(stranger) > 0 and logins.blocked(known) == 0


def test_attempts_never_grow_without_bound() -> None:
    attempts = Attempts(limit=1, window=10, room=3)
    for number in range(10):
        attempts.failed(str(number), 0)
    assert [attempts.wait(str(n), 1) for n in (6, 7, 8, 9)] == [0, 1, 1, 1]


def test_a_broken_glass_is_for_one_patient_and_one_hour_and_has_a_reason(logins: Logins, clock: Clock) -> None:
    secret, _ = logins.open_session("main", "doctor")
    standing = logins.standing(secret)
    assert standing is not None
    with pytest.raises(Invalid) as refused:
        logins.break_glass(standing, "p1", "short")
    assert refused.value.status == 422
    logins.break_glass(standing, "p1", "unconscious in the emergency room")
    again = logins.standing(secret)
    assert again is not None
    caller = logins.caller(again, "", "r", "a")
    assert (caller.purpose, caller.patient) == ("BTG", "p1") and caller.reason.startswith("unconscious")
    for _ in range(3):
        clock.now += 20 * MINUTE
        again = logins.standing(secret)
        assert again is not None
    assert logins.caller(again, "", "r", "a").purpose == "TREAT"


def test_a_role_without_that_page_cannot_break_the_glass(logins: Logins) -> None:
    clerk = User("main", "clerk", "원무", ("registrar",))
    logins.keep_user(clerk)
    secret, _ = logins.open_session("main", "clerk")
    standing = logins.standing(secret)
    assert standing is not None
    with pytest.raises(Invalid) as refused:
        logins.break_glass(standing, "p1", "unconscious in the emergency room")
    assert refused.value.status == 403


def test_patient_scopes_without_a_patient_grant_nothing(logins: Logins) -> None:
    secret, _ = logins.issue(DOCTOR, "patient/Observation.rs")
    standing = logins.standing(secret)
    assert standing is not None and standing.scopes == ()


def test_patient_scopes_beside_wider_ones_do_not_widen_them(logins: Logins) -> None:
    secret, _ = logins.issue(DOCTOR, "patient/Observation.rs user/Patient.r")
    standing = logins.standing(secret)
    assert standing is not None and [s.type for s in standing.scopes] == ["Patient"]


def test_a_grant_bound_to_its_patient_cannot_break_the_glass_of_another(logins: Logins) -> None:
    both = User("main", "both", "의사", ("physician", "patient"), patient="p9")
    logins.keep_user(both)
    secret, _ = logins.issue(both, "patient/*.rs")
    standing = logins.standing(secret)
    assert standing is not None
    with pytest.raises(Invalid) as refused:
        logins.break_glass(standing, "p1", "unconscious in the emergency room")
    assert refused.value.status == 403
