"""Web push by the house's one way out: each tenant has a key of its own, kept where the house keeps its secrets."""

from __future__ import annotations

from collections.abc import Callable

from onmaru.engines import push as engine
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import Accounts
from onmaru.kernel.outbound import Outbound, Push, Unaccepted


class Pushing:
    """Hands pushes over and tells their fate: the status that the service answered, 0 where none came."""

    def __init__(self, accounts: Callable[[], Accounts], outbound: Outbound, now: Callable[[], int]) -> None:
        self._accounts, self._outbound, self._now = accounts, outbound, now
        self._senders: dict[str, engine.Sender] = {}

    def public(self, tenant: str) -> str:
        """The key by which browsers know the tenant, made on first use."""
        return self._sender(tenant).public

    def _sender(self, tenant: str) -> engine.Sender:
        if tenant not in self._senders:
            self._senders[tenant] = engine.Sender(self._accounts().kept(f"push/{tenant}", engine.made))
        return self._senders[tenant]

    def hand_over(self, tenant: str, push: Push) -> tuple[int, str]:
        """The status and why it was not taken, "" where it was. May take seconds: to be called in a thread."""
        try:
            self._outbound.deliver(tenant, self._senders[tenant].letter(push, self._now()))
        except Unaccepted as error:
            return error.answered, error.issues[0].text
        except Invalid as error:
            return 0, error.issues[0].text
        return 201, ""
