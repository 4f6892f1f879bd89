"""What is known of one patient this second: newest by when it was measured, aged, scored only where it may be."""

from __future__ import annotations

from onmaru.rooms.monitor.board import Board
from onmaru.rooms.monitor.limits import SCALE, Limit
from onmaru.rooms.monitor.live import SECOND, Fresh, Live, Streamed, advance

NOW = 1_800_000_000 * SECOND
FRESH = Fresh(12 * 3600 * SECOND, 300 * SECOND)
UNITS = {"heart-rate": "/min", "oxygen-saturation": "%", "systolic": "mm[Hg]", "temperature": "Cel"}


def came(measure: str, value: str, at: int = NOW, flag: str = "", received: int = 0) -> Streamed:
    return Streamed("p", measure, value, UNITS.get(measure, "/min"), at, received or at, "d", SECOND, flag)


def charted(measure: str, value: str, unit: str = "") -> Streamed:
    return Streamed("p", measure, value, unit, NOW, NOW)


WHOLE = [
    came("heart-rate", "95"),
    came("respiratory-rate", "18"),
    came("oxygen-saturation", "95"),
    came("systolic", "120"),
    came("temperature", "37.0"),
    charted("oxygen-flow", "0", "L/min"),
    charted("consciousness", "A"),
]


def test_a_score_is_whole_once_every_part_is_known_and_open_before() -> None:
    state, _ = advance(Live("p"), WHOLE[:-1], NOW, FRESH)
    assert state.news2 is not None and state.news2.total is None
    assert (state.news2.least, state.news2.most) == (2, 5)
    state, changes = advance(state, WHOLE[-1:], NOW, FRESH)
    assert state.news2 is not None and (state.news2.total, state.news2.level) == (2, "low")
    assert ("score", "2-5", "2") in {(one.kind, one.before, one.after) for one in changes}


def test_a_late_reading_never_replaces_a_newer_one() -> None:
    state, _ = advance(Live("p"), [came("heart-rate", "95")], NOW, FRESH)
    state, changes = advance(state, [came("heart-rate", "180", NOW - SECOND)], NOW, FRESH)
    assert state.newest["heart-rate"].value == "95"
    assert not [one for one in changes if one.kind == "numeric"]


def test_a_flagged_reading_is_shown_and_not_scored() -> None:
    state, _ = advance(Live("p"), WHOLE, NOW, FRESH)
    later = NOW + SECOND
    state, _ = advance(state, [came("oxygen-saturation", "40", later, "probe-off")], later, FRESH)
    assert state.newest["oxygen-saturation"].value == "40"
    assert state.usable["oxygen-saturation"].value == "95"
    assert state.news2 is not None and state.news2.total == 2


def test_time_alone_makes_numbers_stale_then_gone_and_the_score_open() -> None:
    state, _ = advance(Live("p"), WHOLE, NOW, FRESH)
    seen = []
    for after in (3, 4, 10, 11):
        state, changes = advance(state, [], NOW + after * SECOND, FRESH)
        seen += [one.after for one in changes if one.kind == "age" and one.measure == "heart-rate"]
    assert seen == ["stale", "gone"]
    assert state.ages["consciousness"] == "live"
    state, _ = advance(state, [], NOW + 300 * SECOND, FRESH)
    assert state.news2 is not None and state.news2.total is None
    assert ("pulse", "stale", None, 0, 3) in state.news2.parts


def test_an_old_number_is_not_made_young_by_a_clock_ahead_nor_by_a_late_delivery() -> None:
    ahead = came("heart-rate", "95", NOW + 5 * SECOND, received=NOW)
    buffered = came("systolic", "120", NOW - 60 * SECOND, received=NOW + 8 * SECOND)
    state, _ = advance(Live("p"), [ahead, buffered], NOW + 8 * SECOND, FRESH)
    assert state.ages == {"heart-rate": "stale", "systolic": "gone"}


def test_the_same_readings_in_any_order_give_the_same_state() -> None:
    forth, _ = advance(Live("p"), WHOLE, NOW, FRESH)
    back, _ = advance(Live("p"), WHOLE[::-1], NOW, FRESH)
    assert (forth.newest, forth.news2, forth.ages) == (back.newest, back.news2, back.ages)


def test_an_order_puts_a_patient_on_the_second_saturation_scale_while_it_holds() -> None:
    board = Board(FRESH)
    board.take([*WHOLE[:2], came("oxygen-saturation", "97"), *WHOLE[3:5], charted("oxygen-flow", "2", "L/min")], NOW)
    saturation = [saturated(board)]
    board.ordered("ServiceRequest/x", "p", Limit(SCALE, 2, NOW, NOW + 2 * SECOND), NOW)
    saturation.append(saturated(board))
    for _ in board.tick(NOW + 2 * SECOND):
        pass
    saturation.append(saturated(board))
    board.ordered("ServiceRequest/x", "p", Limit(SCALE, 2, NOW, NOW + 9 * SECOND), NOW + 3 * SECOND)
    saturation.append(saturated(board))
    board.ordered("ServiceRequest/x", "", None, NOW + 3 * SECOND)
    saturation.append(saturated(board))
    assert saturation == [0, 3, 0, 3, 0] and not board.limits


def saturated(board: Board) -> int | None:
    found = board.states["p"].news2
    assert found is not None
    return {part[0]: part[2] for part in found.parts}["saturation"]
