"""A worker process of the race test: appends and reads in groups of its own, as fast as it can, beside others like it."""

from __future__ import annotations

import json
import random
import sys

from tests.contract.conftest import KEYS, SYSTEM, Ticking

from onmaru.engines.postgres.home import PgHome
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate
from onmaru.kernel.record import Change

SHARED = "shared"


def main(address: str, name: str, groups: int) -> None:
    """Print what was acknowledged: positions, and how many audit rows."""
    chance, now, count = random.Random(name), Ticking(), iter(range(10**9))
    home = PgHome(address, KEYS, now)
    gate = Gate("main", Consents(), now)
    tenant = Tenant("main", home, home.index, home.trail, gate, now, lambda: f"{name}-{next(count)}")
    chart, positions, rows = Chart(tenant, SYSTEM), [], 0
    for _ in range(groups):
        before = len(home.trail._buffered())
        if chance.random() < 0.6:
            for _ in range(chance.randint(1, 3)):
                person = json.dumps({"resourceType": "Patient", "name": [{"family": name}]}).encode()
                positions += [one.version.t for one in chart.write([Change("create", "Patient", body=person)])]
            both = json.dumps({"resourceType": "Basic", "id": SHARED, "code": {"text": name}}).encode()
            positions += [one.version.t for one in chart.write([Change("update", "Basic", SHARED, both)])]
        chart.search(search.parse(("Patient",), [("name", name)]))
        try:
            chart.read("Patient", f"{name}-0")
        except Invalid as refusal:
            assert refusal.status == 404
        rows += len(home.trail._buffered()) - before
        home.wait(home.tip())
        assert home.head() >= max(positions, default=0)
    home.close()
    sys.stdout.write(json.dumps({"positions": positions, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
