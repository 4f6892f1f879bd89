"""A message that names its patient: whoever bears the name is asked of the chart when it comes, not learnt beforehand."""

from __future__ import annotations

import asyncio

from tests.journeys.test_streams import place, posted, put, run, said, ward

from onmaru.app.house import MAIN, House, Place, now
from onmaru.app.streams.station import Station

__all__ = ["place"]


def test_a_patient_whom_a_message_names_is_asked_of_the_chart_as_it_is_then(place: Place) -> None:
    odd = "a|b,$c\\d"

    async def work(house: House, station: Station) -> None:
        people = {one["id"]: one for one in ward(0) if one["resourceType"] == "Patient"}
        for n, name in enumerate(("mrn1", "urn:mrn|mrn1", "p1", odd)):
            fates = await posted(house, said(f"cart-{n}", now(), 60 + n, mrn=name))
            assert fates == (["dead"] if name == odd else ["stored"]), name
        assert station.board.states["p1"].newest["heart-rate"].value == "62"
        moved = put(house, {**people["p2"], "identifier": [{"system": "urn:mrn", "value": odd}]})
        await station._running.motion(MAIN).durable(moved)
        while station._position < moved:
            await asyncio.sleep(0.01)
        fates = await posted(house, said("cart-5", now(), 90, mrn=odd), said("cart-6", now(), 91, mrn="mrn2"))
        assert fates == ["stored", "dead"]
        assert station.board.states["p2"].newest["heart-rate"].value == "90"

    run(place, work)
