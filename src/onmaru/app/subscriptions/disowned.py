"""Subscriptions of a record that came from elsewhere: what they acted with stayed there, so none goes on unseen.

Their owner is noted as one whose grant is no more; the station then ends each as it ends any such, in words on itself.
"""

from __future__ import annotations

from onmaru.engines.sqlite.home import Home
from onmaru.engines.sqlite.ledger import SqliteLedger
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.kernel.gate import ALL
from onmaru.kernel.subscribing import Owner

# No grant's hash is empty
NOBODYS = b""


def disown(home: Home) -> int:
    """Have every Subscription that says it is at work stand in error as soon as the tenant is served; how many those are."""
    asked: Query = parse(("Subscription",), [("status", "active,requested")])
    asked = Query(asked.types, asked.clauses, count=2**31, total="none")
    found = home.index.find(asked, home.head(), 0, 0, ALL).versions
    if found:
        ledger = SqliteLedger(home.folder, home.keys.pages)
        for version in found:
            ledger.own(version.id, Owner(version.version, version.caller, NOBODYS))
        ledger.close()
    return len(found)
