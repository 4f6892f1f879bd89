"""How patient subscriptions are, and what the settings say of them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from onmaru.app.settings import Chosen


class Tuning(msgspec.Struct, frozen=True):
    """Seconds: `first` pause after a failure, doubled up to `most`; `patrol` between looks at owners, `flush` at positions.

    `tries` in a row, then the subscription is in error.
    """

    tries: int = 300
    first: float = 1.0
    most: float = 300.0
    patrol: float = 30.0
    flush: float = 5.0


def tuning(found: Mapping[str, Chosen]) -> Tuning:
    """How often and how long they try."""
    most = float(found["subscription_pause"].value)
    return Tuning(tries=int(found["subscription_tries"].value), first=min(1.0, most), most=most)


def receivers_address(found: Mapping[str, Chosen], *, tls: bool) -> str:
    """Under which address receivers of notifications reach this house."""
    return str(found["base"].value) or f"{'https' if tls else 'http'}://{found['host'].value}:{found['port'].value}"
