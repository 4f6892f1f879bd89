"""Simulated monitors: the same bytes each time, messages that a house reads whole, and somebody who falls ill at once."""

from __future__ import annotations

from onmaru.rooms.monitor.stream.message import read
from onmaru.simulate.devices import HZ, NUMERICS, Monitor

T = 1_800_000_000_000_000


def test_a_seed_gives_the_same_monitor_and_another_seed_another() -> None:
    one, same, other = (Monitor(seed, "mon-1", waves=True) for seed in (1, 1, 2))
    said = [one.message(n, T + n) for n in range(3)]
    assert said == [same.message(n, T + n) for n in range(3)]
    assert said != [other.message(n, T + n) for n in range(3)]


def test_what_a_monitor_says_is_read_whole_and_nothing_of_it_is_doubtful() -> None:
    monitor = Monitor(7, "mon-9", waves=True)
    for n in range(60):
        found = read(monitor.message(n, T + n))
        assert (found.device, found.at, len(found.values)) == ("mon-9", T + n, len(NUMERICS))
        assert {one.flag for one in found.values} == {""}
        assert [(one.code, one.hz, len(one.samples)) for one in found.waves] == [("ecg-ii", HZ, HZ), ("pleth", HZ, HZ)]
    # As many beats a minute as it says: each has one peak above the half
    peaks = 0
    for n in range(60):
        found = read(monitor.message(n, T + n))
        high = [sample > 0.5 for sample in found.waves[0].samples]
        peaks += sum(up and not before for before, up in zip([False, *high], high, strict=False))
    rate = next(float(one.value) for one in found.values if one.measure == "heart-rate")
    assert abs(peaks - rate) < 12


def test_who_falls_ill_does_so_within_the_second() -> None:
    monitor = Monitor(7, "mon-9")
    monitor.message(0, T)
    monitor.ill = True
    values = {one.measure: float(one.value) for one in read(monitor.message(1, T + 1)).values}
    assert values["heart-rate"] > 130 and values["oxygen-saturation"] < 90
