"""What is spilt onto the disk: got back by its place, by nobody else."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from onmaru.engines.spill import Spill, Spilt


def test_pieces_come_back_from_where_they_lie_in_any_order(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    places = [spill.put(bytes([n]) * n) for n in range(50)]
    assert [spill.get(places[n]) for n in (49, 0, 7)] == [b"\x31" * 49, b"", b"\x07" * 7]
    spill.close()


def test_nothing_of_it_has_a_name_or_can_be_read(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    place = spill.put(b"Hong Gil-dong" * 100)
    held = Path(f"/proc/self/fd/{spill._file}").read_bytes()
    assert len(held) == place.size
    assert b"Hong" not in held
    assert not list(tmp_path.iterdir())
    spill.close()


def test_a_piece_from_elsewhere_is_not_taken_for_one(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    one, _ = spill.put(b"one"), spill.put(b"two")
    with pytest.raises(InvalidTag):
        spill.get(Spilt(one.at + 1, one.size))
    spill.close()
