"""Whether a tenant is open now, for every door to ask before anything else."""

from __future__ import annotations

from collections.abc import Callable

from onmaru.fhir.outcome import invalid
from onmaru.kernel.accounts import Accounts
from onmaru.kernel.tenancy import Tenancy

# Words of the refusals; they name no tenant, so that whoever asks learns nothing of others
SUSPENDED = "this tenant is suspended: its data are kept, and whoever runs this server can resume it"
GONE = "there is no such tenant any more"
# How long what another process wrote may go unseen, in µs
FRESH = 1_000_000
ROOM = 10_000


class Tenancies:
    """The tenancies as one process knows them; `changed` are told the name of a tenant that is seen to be otherwise."""

    def __init__(self, accounts: Callable[[], Accounts], now: Callable[[], int]) -> None:
        self._accounts = accounts
        self._now = now
        # Until when, what is kept, and why nobody gets at it
        self._known: dict[str, tuple[int, Tenancy, str]] = {}
        self.changed: list[Callable[[str], object]] = []

    def of(self, tenant: str) -> Tenancy:
        """What is kept of a tenant, at most FRESH old; one never spoken of is open and without limits."""
        now = self._now()
        known = self._known.get(tenant)
        if known is not None and now < known[0]:
            return known[1]
        found = self._accounts().tenancy(tenant) or Tenancy(tenant)
        self._take(found, now)
        return found

    def closed(self, tenant: str) -> str:
        """Why nobody gets at the tenant's record now; "" where it is open."""
        known = self._known.get(tenant)
        if known is not None and self._now() < known[0]:
            return known[2]
        return _why(self.of(tenant))

    def check(self, tenant: str) -> None:
        """`Invalid` 403 where it is closed."""
        closed = self.closed(tenant)
        if closed:
            raise invalid("forbidden", closed, status=403)

    def save(self, tenancy: Tenancy) -> None:
        """Durable, and heeded in this process, when it returns."""
        self._accounts().save_tenancy(tenancy)
        self._take(tenancy, self._now())

    def _take(self, found: Tenancy, now: int) -> None:
        before = self._known.get(found.tenant)
        if before is None and len(self._known) >= ROOM:
            self._known.clear()
        self._known[found.tenant] = (now + FRESH, found, _why(found))
        if before is not None and before[1] != found:
            for tell in self.changed:
                tell(found.tenant)


def _why(tenancy: Tenancy) -> str:
    state = tenancy.state
    return "" if state == "open" else SUSPENDED if state == "suspended" else GONE
