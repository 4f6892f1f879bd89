"""Where the house may be sent to by what a client says: to hosts on the tenant's list, by TLS, at public addresses.

One law: whatever is fetched goes through here, each redirect anew, and to the very address that was judged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol
from urllib.parse import urljoin, urlsplit

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.\-]*[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
_MAIL = re.compile(r"mailto:([A-Za-z0-9._%+\-]{1,64})@([A-Za-z0-9][A-Za-z0-9.\-]{0,252}\.[A-Za-z]{2,63})")
# IPv6 forms in which an IPv4 address travels that Python does not open (RFC 6052, RFC 8215, RFC 4291)
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


class Target(msgspec.Struct, frozen=True):
    """One request's destination: `path` with its query. `local`: the one server of this machine that the operator named."""

    scheme: str
    host: str
    port: int
    path: str
    local: bool = False


class Rules(msgspec.Struct, frozen=True):
    """`hosts` by tenant: `keys.example.org` (port 443), `keys.example.org:8443`, `*.example.org`. `local`: `host:port`.

    `mail` by tenant: the domains to which its mails may go, by the operator's own `relay`. `told`: the tenants that let
    patient data into mails.
    """

    hosts: Mapping[str, Sequence[str]] = {}
    local: str = ""
    relay: str = ""
    mail: Mapping[str, Sequence[str]] = {}
    told: frozenset[str] = frozenset()

    def recipient(self, tenant: str, url: str) -> str:
        """The address of a `mailto:`, when this tenant's mails may go there; `Invalid` 403 otherwise."""
        form = _MAIL.fullmatch(url)
        if form is None:
            raise _refused("not a mail address")
        if not self.relay:
            raise _refused("this server sends no mail")
        domain = form[2].lower()
        if not any(
            domain == one or (one[:2] == "*." and domain.endswith(one[1:])) for one in self.mail.get(tenant, ())
        ):
            raise _refused("this domain is not on the tenant's list")
        return f"{form[1]}@{domain}"

    def target(self, tenant: str, url: str) -> Target:
        """Where a url leads, when this tenant may be sent there; `Invalid` 403 otherwise, which never repeats the url."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise _refused("not an address") from error
        bare = f"[{host}]" if ":" in host else host
        if len(url) > 2000 or not url.isascii() or not url.isprintable() or " " in url or not _HOST.fullmatch(bare):
            raise _refused("not an address")
        if parts.username is not None or parts.password is not None:
            raise _refused("an address names no user")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        local = bool(self.local) and f"{bare}:{port or _usual(parts.scheme)}" == self.local
        found = Target(parts.scheme, host, port or _usual(parts.scheme), path, local)
        if found.scheme != "https" and not (local and found.scheme == "http"):
            raise _refused("only https")
        if not any(_covers(entry, bare, found) for entry in self.hosts.get(tenant, ())):
            raise _refused("this host is not on the tenant's list")
        return found

    def next(self, tenant: str, at: str, location: str) -> tuple[str, Target]:
        """Where a redirect leads, judged like a first request; never from TLS to none."""
        url = urljoin(at, location)
        target = self.target(tenant, url)
        if at.startswith("https") and target.scheme != "https":
            raise _refused("only https")
        return url, target


class Letter(msgspec.Struct, frozen=True):
    """What the house sends of itself: `seconds` is how long it may take in all, `headers` what the receiver asked for."""

    url: str
    body: bytes = b""
    kind: str = ""
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 15.0


class Push(msgspec.Struct, frozen=True):
    """A text for one browser of a user's, by its push service; it is sealed for that browser alone.

    `p256dh` and `auth`: the browser's keys, base64url. `topic`: of several that wait the last of a topic is shown. `lasts`:
    for how many seconds the service keeps it. `contact`: whom the service may write to. `told`: is given, between other
    things, the status the service answered (0: none) and why the push was not taken, "" where it was.
    """

    endpoint: str
    p256dh: str
    auth: str
    text: bytes
    topic: str
    urgency: Literal["very-low", "low", "normal", "high"]
    lasts: int
    contact: str
    told: Callable[[int, str], None]


class Unaccepted(Invalid):
    """The receiver answered, and not with 2xx."""

    def __init__(self, answered: int) -> None:
        super().__init__([Issue("transient", f"nothing sound came from there: the receiver answered {answered}")], 502)
        self.answered = answered


class Mail(msgspec.Struct, frozen=True):
    """A mail to a `mailto:` address: `text` for people, `attached` for machines (media type and bytes)."""

    to: str
    subject: str
    text: str
    attached: tuple[str, bytes] | None = None


class Outbound(Protocol):
    """The one way out."""

    def send(self, tenant: str, url: str, body: bytes = b"", kind: str = "") -> bytes:
        """GET, or POST a body of that media type: what a status of 200 answers. `Invalid` 403 where the tenant may not be
        sent, 502 when nothing sound comes. May take many seconds: to be called in a thread."""

    def deliver(self, tenant: str, letter: Letter) -> None:
        """Hand over a letter: returns on a status of 2xx, follows no redirect. `Invalid` as above, `Unaccepted` else."""

    def post(self, tenant: str, mail: Mail) -> None:
        """Give a mail to the operator's relay; returns when that has taken it. `Invalid` as above."""


def judged(target: Target, addresses: Sequence[str]) -> str:
    """The address to connect to, of those a name resolves to; `Invalid` 403 when any of them is not public.

    The named server of this machine is the only exception, and only at an address of this machine.
    """
    found = [ipaddress.ip_address(one.partition("%")[0]) for one in addresses]
    if not found:
        raise _refused("the host has no address")
    good = all(one.is_loopback for one in found) if target.local else all(map(public, found))
    if not good:
        raise _refused("the host has an address that is not public")
    return str(found[0])


def relaying(rules: Rules, place: str, addresses: Sequence[str]) -> str:
    """The address of the operator's mail relay at `place` (host:port) to connect to; inside the hospital it may well be.

    Never this machine, unless it is the one named server of it, and never link-local.
    """
    found = [ipaddress.ip_address(one.partition("%")[0]) for one in addresses]
    local = place == rules.local
    if not found or any(one.is_link_local or one.is_unspecified or one.is_loopback is not local for one in found):
        raise _refused("the mail relay has no address that may be used")
    return str(found[0])


def public(address: Address) -> bool:
    """Whether an address is one of the internet, also when it is an IPv4 one in an IPv6 form."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return public(inner)
        if any(address in carrier for carrier in _CARRIERS) or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _covers(entry: str, host: str, target: Target) -> bool:
    named, colon, port = entry.rpartition(":") if re.search(r":\d+$", entry) else (entry, "", "")
    if target.port != (int(port) if colon else 443) and not target.local:
        return False
    if named.startswith("*."):
        return host.endswith(named[1:]) and len(host) > len(named[1:])
    return host == named


def _usual(scheme: str) -> int:
    return 80 if scheme == "http" else 443


def _refused(why: str) -> Invalid:
    return invalid("forbidden", f"this server may not be sent there: {why}", status=403)
