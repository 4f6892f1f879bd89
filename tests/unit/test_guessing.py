"""How often a password may be guessed, and that nobody locks another out by guessing."""

from __future__ import annotations

from collections import deque

import pytest

from onmaru.kernel.device import Devices
from onmaru.kernel.guessing import DAY, GAP, MINUTE, NEAR, WIDE, WINDOW, Guessing, Try, network_of
from onmaru.kernel.turns import Turns

SECOND = 1_000_000
T0 = 1_800_000_000 * SECOND


def wrong(guessing: Guessing, trying: Try, now: int) -> bool:
    """Guess once, if that may be done."""
    if guessing.wait(trying, now):
        return False
    guessing.failed(trying, now)
    return True


def test_wrong_passwords_from_one_address_lock_that_address_alone() -> None:
    guessing, here = Guessing(), Try("main", "doctor", "10.0.0.1")
    assert [wrong(guessing, here, T0) for _ in range(NEAR + 1)] == [True] * NEAR + [False]
    assert guessing.wait(here, T0) == WINDOW // SECOND
    assert guessing.wait(Try("main", "doctor", "10.0.0.2"), T0) == 0
    assert guessing.wait(Try("main", "nurse", "10.0.0.1"), T0) == 0
    assert guessing.wait(Try("other", "doctor", "10.0.0.1"), T0) == 0
    assert guessing.wait(here, T0 + WINDOW) == 0


def test_a_known_device_is_locked_by_its_own_wrong_passwords_alone() -> None:
    guessing = Guessing()
    known, other = Try("main", "doctor", "10.0.0.1", "d1"), Try("main", "doctor", "10.0.0.1", "d2")
    for number in range(300):
        wrong(guessing, Try("main", "doctor", f"10.0.{number}.1"), T0)
        wrong(guessing, Try("main", f"user{number}", "10.0.0.1"), T0)
    assert guessing.wait(Try("main", "doctor", "10.0.0.1"), T0) > 0
    assert guessing.wait(known, T0) == 0
    assert [wrong(guessing, known, T0) for _ in range(NEAR + 1)] == [True] * NEAR + [False]
    assert guessing.wait(other, T0) == 0
    guessing.succeeded(other)
    assert guessing.wait(known, T0) > 0
    assert guessing.wait(known, T0 + WINDOW) == 0


def test_many_addresses_together_guess_one_password_at_most_164_times_a_day() -> None:
    guessing, made = Guessing(), deque[int]()
    most, turns = 0, dict.fromkeys(range(60), T0)
    for minute in range(2 * 24 * 60):
        now = T0 + minute * MINUTE
        for number, due in turns.items():
            trying = Try("main", "doctor", f"10.{number >> 8}.{number & 255}.1")
            if now < due:
                continue
            if wrong(guessing, trying, now):
                made.append(now)
            else:
                turns[number] = now + guessing.wait(trying, now) * SECOND
        while made and made[0] <= now - DAY:
            made.popleft()
        most = max(most, len(made))
    assert WIDE < most <= WIDE + DAY // GAP == 164


def test_a_user_at_a_new_device_waits_one_turn_behind_a_single_guesser() -> None:
    guessing, attacker, doctor = Guessing(), Try("main", "doctor", "6.6.6.6"), Try("main", "doctor", "10.0.0.9")
    now = T0
    while guessing.wait(attacker, now) == 0 or now < T0 + 4 * WINDOW:
        wrong(guessing, attacker, now)
        now += SECOND
    first = guessing.wait(doctor, now)
    assert 0 < first <= 2 * GAP // SECOND
    for later in range(first):
        wrong(guessing, attacker, now + later * SECOND)
    assert guessing.wait(doctor, now + first * SECOND) == 0


def test_the_right_password_elsewhere_gives_nobody_more_guesses() -> None:
    guessing, attacker = Guessing(), Try("main", "doctor", "6.6.6.6")
    for _ in range(NEAR):
        wrong(guessing, attacker, T0)
    guessing.succeeded(Try("main", "doctor", "10.0.0.1"))
    guessing.succeeded(Try("main", "doctor", "6.6.6.6", "d1"))
    assert guessing.wait(attacker, T0) > 0
    guessing.succeeded(attacker)
    assert guessing.wait(attacker, T0) == 0


def test_an_address_that_tries_many_users_is_locked() -> None:
    guessing = Guessing()
    assert sum(wrong(guessing, Try("main", f"user{number}", "10.0.0.1"), T0) for number in range(90)) == 50


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("unix:", "unix:"),
    ],
)
def test_all_addresses_of_one_subnet_are_one_guesser(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_name_longer_than_any_users_takes_no_more_room() -> None:
    guessing = Guessing()
    for number in range(NEAR):
        wrong(guessing, Try("main", "x" * 16_000 + str(number), "10.0.0.1"), T0)
    assert guessing.wait(Try("main", "x" * 65, "10.0.0.1"), T0) > 0


def test_a_turn_is_kept_for_whoever_waits_and_lost_by_whoever_does_not_come() -> None:
    turns = Turns(gap=10 * SECOND)
    assert [turns.wait("u", who, 0) for who in "aabc"] == [0, 10, 20, 30]
    assert turns.wait("u", "b", 19 * SECOND) == 1
    assert turns.wait("u", "b", 20 * SECOND) == 0
    assert turns.wait("u", "a", 21 * SECOND) == 19
    assert turns.wait("other", "a", 0) == 0


def test_turns_never_grow_without_bound() -> None:
    turns = Turns(gap=10 * SECOND, room=3)
    for number in range(10):
        assert turns.wait(f"u{number}", "a", 0) == 0
        assert turns.wait(f"u{number}", "b", 0) == 10
    assert [turns.wait(f"u{number}", "b", 10 * SECOND) for number in (7, 8, 9)] == [0, 0, 0]
    assert turns.wait("u0", "b", 0) == 0


def test_a_mark_is_known_for_its_own_user_until_it_is_too_old() -> None:
    devices = Devices(b"k" * 32, lasts=DAY)
    mark = devices.mark("main", "doctor", T0)
    device = devices.known("main", "doctor", mark, T0 + DAY - 1)
    assert device and device != devices.known("main", "doctor", devices.mark("main", "doctor", T0), T0)
    assert devices.known("main", "doctor", mark, T0 + DAY) == ""
    assert devices.known("main", "nurse", mark, T0) == devices.known("other", "doctor", mark, T0) == ""
    assert Devices(b"j" * 32, DAY).known("main", "doctor", mark, T0) == ""
    assert "doctor" not in devices.slot("main", "doctor") != devices.slot("other", "doctor")


@pytest.mark.parametrize("mark", ["", ".", "..", "x", "1.2.3", "한.글.글", "f" * 5000, "-1.aa.", "\ud800"])
def test_a_mark_that_is_none_is_nobodys(mark: str) -> None:
    assert Devices(b"k" * 32, DAY).known("main", "doctor", mark, T0) == ""


def test_an_altered_mark_is_nobodys() -> None:
    devices = Devices(b"k" * 32, DAY)
    mark = devices.mark("main", "doctor", T0)
    began, device, proof = mark.split(".")
    for forged in (f"{int(began, 16) + 1:x}.{device}.{proof}", f"{began}.{device[::-1]}.{proof}", f"{began}.{device}."):
        assert devices.known("main", "doctor", forged, T0) == ""
