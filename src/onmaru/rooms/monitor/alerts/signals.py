"""Pure: whether a rule's signals hold for one patient's readings at one time. What is not known is None, never False."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from onmaru.rooms.monitor.alerts.rules import Rule, Signal
from onmaru.rooms.monitor.limits import SCALE
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, Scored, score

MINUTE = 60_000_000
Score = Callable[[str, int], Scored]


class Seen(msgspec.Struct, frozen=True):
    """What a rule is judged by: readings, the patient's own limits in force, and how long a reading counts (µs)."""

    readings: Sequence[Reading]
    limits: Mapping[str, int]
    fresh: int

    def scored(self, name: str, now: int) -> Scored:
        """A score as it stood at `now`."""
        asked = Asked(now, self.fresh, {"scale": "2" if self.limits.get(SCALE) == 2 else "1"})
        table = score_tables()[name]
        return score(table, newest(self.readings, now) if table.take == "latest" else self.readings, asked)


def newest(readings: Sequence[Reading], now: int) -> Sequence[Reading]:
    """Of each measure what was read last by `now`, from every source: all that a table of latest values looks at."""
    last: dict[str, int] = {}
    for one in readings:
        if one.at <= now and one.at >= last.get(one.measure, one.at):
            last[one.measure] = one.at
    return [one for one in readings if last.get(one.measure) == one.at]


def holds(rule: Rule, seen: Seen, now: int, scored: Score, known: frozenset[str] = frozenset()) -> bool | None:
    """Whether every signal holds. `known`: parts that made the condition; while one of them cannot be scored, nobody knows
    whether it is over.
    """
    found = [_holds(rule, one, seen, (now, scored, known)) for one in rule.when]
    return False if False in found else None if None in found else True


def eased(rule: Rule) -> Rule:
    """The rule as it ends: `ease` points lower."""
    lower = tuple(
        msgspec.structs.replace(one, least=one.least - rule.ease if one.least else 0) for one in rule.when
    )  # fmt: skip
    return msgspec.structs.replace(rule, when=lower)


def _holds(rule: Rule, signal: Signal, seen: Seen, at: tuple[int, Score, frozenset[str]]) -> bool | None:
    now, scored, known = at
    found = scored(signal.score, now)
    if signal.part:
        yes = any(part.least >= signal.part for part in found.parts)
    elif signal.rise:
        yes = found.least - scored(signal.score, now - signal.within * 1_000_000).most >= signal.rise
    else:
        yes = found.least >= _limit(rule, signal, seen)
    if yes:
        return True
    unknown = {part.name for part in found.parts if part.state in ("missing", "stale", "unreadable")}
    return None if known & unknown or len(unknown) == len(found.parts) else False


def _limit(rule: Rule, signal: Signal, seen: Seen) -> int:
    """The patient's own threshold stands for the rule's, with the same ease."""
    if rule.name not in seen.limits:
        return signal.least
    shipped = max(one.least for one in rule.when)
    return seen.limits[rule.name] - max(0, shipped - signal.least)


def made(scored: Scored) -> frozenset[str]:
    """The names of the parts that had points."""
    return frozenset(part.name for part in scored.parts if part.least > 0)
