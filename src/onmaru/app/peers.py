"""Who may send by MLLP: the table `[[mllp.peer]]` of the settings file; without one, this machine alone."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping

import msgspec

from onmaru.adapters.mllp import Peer
from onmaru.app import settings
from onmaru.app.refusal import Refusal

LOOPBACK = (Peer("loopback", "127.0.0.0/8", "main"), Peer("loopback", "::1/128", "main"))
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    address: str
    tenant: str = "main"
    certificate: str = ""
    facilities: frozenset[str] = frozenset()


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    peer: tuple[_Row, ...] | None = None


def peers(environ: Mapping[str, str] = os.environ) -> tuple[Peer, ...]:
    """The peers listed in the settings file, in order; a row that cannot be understood is refused by its number."""
    try:
        table = msgspec.convert(settings.table("mllp", environ), _Table)
    except msgspec.ValidationError as error:
        raise Refusal(f"setting mllp: {error}") from error
    if table.peer is None:
        return LOOPBACK
    return tuple(_peer(number, row) for number, row in enumerate(table.peer, start=1))


def _peer(number: int, row: _Row) -> Peer:
    try:
        network = str(ipaddress.ip_network(row.address, strict=False))
    except ValueError:
        raise Refusal(f"setting mllp.peer {number}: address is neither an address nor a CIDR network") from None
    certificate = row.certificate.lower().replace(":", "")
    if certificate and not _FINGERPRINT.fullmatch(certificate):
        raise Refusal(f"setting mllp.peer {number}: certificate is the SHA-256 of the peer's certificate in hex")
    return Peer(row.name, network, row.tenant, certificate, row.facilities)
