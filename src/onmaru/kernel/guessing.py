"""How often passwords may be guessed. Wrong ones from elsewhere slow a user's log-in at a new device, and never lock it;
at a known device they mean nothing."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from onmaru.kernel.attempts import Attempts
from onmaru.kernel.turns import Turns

MINUTE = 60_000_000
WINDOW = 15 * MINUTE
DAY = 24 * 60 * MINUTE
# Wrong passwords: at one device or from one address for one user, and from one address for anybody, within WINDOW
NEAR, ADDRESS = 5, 50
# Wrong passwords for one user from unknown devices anywhere within a DAY; beyond them one try every GAP
WIDE, GAP = 20, 10 * MINUTE
# No user has a longer name
_NAME = 64


class Try(NamedTuple):
    """Somebody offers a password for a user. `device`: the known device it comes from, "" for any other."""

    tenant: str
    user: str
    address: str
    device: str = ""


class Guessing:
    """Failures of the last minutes and hours, kept in memory. Times are µs since 1970 UTC, given by the caller.

    The most guesses at one user's password in any 24 hours, from however many addresses: WIDE + DAY/GAP = 164, and from
    each known device of the user, which takes its mark: DAY/WINDOW * NEAR = 480.
    """

    def __init__(self) -> None:
        self._devices = Attempts(NEAR, WINDOW, room=20_000)
        self._near = Attempts(NEAR, WINDOW, room=20_000)
        self._addresses = Attempts(ADDRESS, WINDOW, room=20_000)
        self._wide = Attempts(WIDE, DAY, room=20_000)
        self._turns = Turns(GAP)

    def wait(self, trying: Try, now: int) -> int:
        """Whole seconds until this try may be made; 0: now, once."""
        user, network = _user(trying), network_of(trying.address)
        if trying.device:
            return self._devices.wait(f"{user}/{trying.device}", now)
        near = max(self._near.wait(f"{user}/{network}", now), self._addresses.wait(network, now))
        if near or not self._wide.wait(user, now):
            return near
        return self._turns.wait(user, network, now)

    def failed(self, trying: Try, now: int) -> None:
        """Count a wrong password."""
        user, network = _user(trying), network_of(trying.address)
        if trying.device:
            self._devices.failed(f"{user}/{trying.device}", now)
            return
        self._near.failed(f"{user}/{network}", now)
        self._addresses.failed(network, now)
        self._wide.failed(user, now)

    def succeeded(self, trying: Try) -> None:
        """Forget the failures of whoever knew the password; what others tried elsewhere stays counted."""
        user = _user(trying)
        if trying.device:
            self._devices.succeeded(f"{user}/{trying.device}")
        else:
            self._near.succeeded(f"{user}/{network_of(trying.address)}")


def network_of(address: str) -> str:
    """What one customer of a network provider holds: an IPv4 address, of IPv6 a subnet of 64 bits."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address[:_NAME]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _user(trying: Try) -> str:
    # A longer name is nobody's, and is not kept
    return f"{trying.tenant[:_NAME]}/{trying.user[: _NAME + 1]}"
