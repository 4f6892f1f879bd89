"""The monitors of the demo's beds: whoever lies somewhere is measured each second, over the door that real devices use."""

from __future__ import annotations

import asyncio
import time
from random import Random

from onmaru.app.house import MAIN, House, now, system
from onmaru.app.streams.sending import Posts
from onmaru.rooms.monitor import views
from onmaru.simulate.devices import Monitor

ROOM = "monitor"
# Beds at most, those of them with waveforms, and seconds until it is looked again who lies where
MOST, WAVED, LOOKED = 100, 16, 5.0
# Somebody falls ill about so often a bed, and is so for about so long; seconds
ILL_EVERY, ILL_FOR = 5 * 3600, 240
INTENSIVE = "ICU"


class Monitors:
    """Of a demo's house; `posts` is its stream door."""

    def __init__(self, house: House, posts: Posts, seed: int) -> None:
        self._house, self._posts, self._seed = house, posts, seed
        self._dice = Random(seed)  # noqa: S311 - dice of a demo
        self._beds: dict[tuple[str, str], Monitor] = {}
        self._sent = 0

    async def run(self, opened: asyncio.Event) -> None:
        """Send until cancelled, from when the live part is `opened`: while days pass in seconds nobody stays for long."""
        await opened.wait()
        self._posts.start()
        looked = 0.0
        try:
            while True:
                began = time.monotonic()
                if began - looked > LOOKED:
                    self._look()
                    looked = began
                for monitor in self._beds.values():
                    self._fate(monitor)
                    if self._posts.waiting <= MOST:
                        self._posts.offer(monitor.message(self._sent, now()))
                        self._sent += 1
                await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
        finally:
            await self._posts.stop()

    def _look(self) -> None:
        """Who lies where now: a monitor for each, those of intensive care first."""
        rows = self._house.hall(system(MAIN, "demo"), ROOM).lake.query(views.BEDS, {}).table.to_pylist()
        rows = [row for row in rows if row["bed"] and row["ward"]]
        rows.sort(key=lambda row: (INTENSIVE not in (row["ward_name"] or ""), row["ward_name"], row["bed_name"]))
        held, self._beds = self._beds, {}
        for row in rows[:MOST]:
            key = row["bed"], row["patient"]
            # Beds of two wards, or rooms, bear one number, devices of one house do not
            name = f"MON-{row['ward_name']}-{row['bed_name']}-{row['bed'][-6:]}"
            waves = len(self._beds) < WAVED
            self._beds[key] = held.get(key) or Monitor(self._seed, name, waves=waves, bed=row["bed"])

    def _fate(self, monitor: Monitor) -> None:
        if self._dice.random() < 1 / (ILL_FOR if monitor.ill else ILL_EVERY):
            monitor.ill = not monitor.ill
