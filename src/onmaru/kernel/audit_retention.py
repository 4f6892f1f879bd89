"""How long the audit trail is kept, and its purge: only whole blocks from the oldest on, never younger than the law's floor.

Before anything goes, a row of the trail itself says what goes, under which rule and why; `verify` takes missing rows only
from such a row.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import retention
from onmaru.kernel.audit import Access, access
from onmaru.kernel.caller import Caller

# The law's rule in `retention.toml`, and the years that no setting may go below
RULE = next(rule for rule in retention.standard() if rule.name == "접속기록")
LEAST = RULE.years
# What a purge is called in the trail, before what it says of itself; no Type/id and no path of a request begins so
PURGED = "audit-purged?"
SHORTEST, LONGEST = 4, 500


class Stretch(NamedTuple):
    """One block of the trail: its number, the number of its first row, its rows."""

    block: int
    first: int
    rows: Sequence[Access]

    @property
    def last(self) -> int:
        """The number of its last row."""
        return self.first + len(self.rows) - 1

    def numbered(self) -> Iterator[tuple[int, Access]]:
        """(row number, row)."""
        return enumerate(self.rows, start=self.first)


class Thinned(Protocol):
    """A trail that can be purged of what is older than it has to be kept."""

    def older(self, before: int, after: int) -> Sequence[Stretch]:
        """The next blocks behind block `after`, in order, none of whose rows is of `before` (µs) or later; some."""

    def purge(self, gone: Sequence[Stretch]) -> None:
        """Take these blocks away, and all before them, in one step. What is left begins with the place of the last."""


class Asked(NamedTuple):
    """A purge of all that is older than so many years, with the reason for it; `least`: what the site has set."""

    years: int
    reason: str
    least: int = LEAST


class Purge(msgspec.Struct, frozen=True):
    """All rows up to number `last`, which are those of the blocks up to `block`, and all from before `before` (µs)."""

    block: int
    last: int
    before: int
    years: int


def bound(at: int, years: int) -> int:
    """The beginning of the day (UTC) so many years before a moment, in µs; the 29th of February counts as the 28th."""
    day = datetime.fromtimestamp(at / 1e6, UTC).date()
    try:
        then = day.replace(year=day.year - years)
    except ValueError:
        then = date(day.year - years, 2, 28)
    return int(datetime(then.year, then.month, then.day, tzinfo=UTC).timestamp()) * 1_000_000


def check(asked: Asked) -> None:
    """`Invalid` 422 for a purge of what has to be kept, or without a reason."""
    least = max(LEAST, asked.least)
    if not least <= asked.years <= 100:
        told = f"{RULE.name} ({RULE.english}) is kept {LEAST} years at least, {RULE.source}; here {least}"
        raise invalid("business-rule", f"from {least} to 100 years: {told}", "years", 422)
    if not SHORTEST <= len(asked.reason.strip()) <= LONGEST:
        raise invalid("value", f"why, in {SHORTEST} to {LONGEST} characters", "reason", 422)


def planning(trail: Thinned, asked: Asked, now: int) -> Generator[None, None, Purge | None]:
    """What a purge at `now` would take, looked up in slices; None: nothing is that old. `Invalid` as `check`."""
    check(asked)
    before, found = bound(now, asked.years), None
    while some := trail.older(before, found.block if found else 0):
        found = Purge(some[-1].block, some[-1].last, before, asked.years)
        yield
    return found


def row(caller: Caller, asked: Asked, purge: Purge, at: int) -> Access:
    """The row that says what goes; it has to be durable before `carrying_out`."""
    said = {"block": purge.block, "last": purge.last, "before": purge.before, "years": purge.years, "rule": RULE.name}
    acting = msgspec.structs.replace(caller, reason=asked.reason.strip())
    return access(acting, "erase", PURGED + urlencode(said), at)


def stated(found: Access) -> Purge | None:
    """What a row of the trail says was purged; None of any other row, and of one that goes below the floor."""
    if found.action != "erase" or not found.allowed or not found.target.startswith(PURGED):
        return None
    try:
        purge = msgspec.convert(dict(parse_qsl(found.target.removeprefix(PURGED))), Purge, strict=False)
    except msgspec.ValidationError:
        return None
    return purge if purge.before <= bound(found.at, LEAST) else None


def carrying_out(trail: Thinned, purge: Purge) -> Generator[None, None, None]:
    """Take away in slices what the plan named; broken off anywhere, the next purge takes the rest."""
    while some := [one for one in trail.older(purge.before, 0) if one.block <= purge.block]:
        trail.purge(some)
        yield


def told(purge: Purge | None, *, done: bool) -> dict[str, object]:
    """What came, or would come, of it: JSON-able."""
    before = datetime.fromtimestamp(purge.before / 1e6, UTC).date().isoformat() if purge else None
    return {"purged": done and purge is not None, "rows_up_to": purge.last if purge else 0, "before": before}
