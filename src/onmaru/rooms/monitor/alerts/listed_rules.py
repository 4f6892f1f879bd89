"""GET rules: every alert rule with its limits, and whether it is on here."""

from __future__ import annotations

from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor.alerts.acting import answer
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.alerts.rules import Rule, shipped, standing


def rules(request: Request, hall: Hall) -> Response:
    """`{rules: [{name, urgency, on, least, delay, ease, hold, quiet, verified, source}]}`, times in seconds.

    `least` is that of the first signal that has one, as POST what-if changes it; null where none has.
    """
    queried(request, set())
    on = {rule.name for rule in standing(str(hall.settings["rules_on"]))}
    return answer({"rules": [{**_told(rule), "on": rule.name in on} for rule in shipped()]})


def _told(rule: Rule) -> dict[str, object]:
    names = ("name", "urgency", "delay", "ease", "hold", "quiet", "verified", "source")
    least = next((signal.least for signal in rule.when if signal.least), None)
    return {**{name: getattr(rule, name) for name in names}, "least": least}


ROUTES = (Route("GET", "/rules", "user/Observation.rs", rules),)
