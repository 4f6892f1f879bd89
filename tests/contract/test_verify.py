"""Whatever is altered in a tenant's files, `verify` names the first wrong entry; and it is silent when nothing is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
import zstandard
from click.testing import CliRunner
from tests.contract.test_record import observation, patient

from onmaru.app import house as clock
from onmaru.app.house import House, Place, system
from onmaru.app.verifying import examined, verify
from onmaru.engines.sqlite.connection import connect
from onmaru.engines.sqlite.where import where
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change
from onmaru.kernel.seal import Header, positions, seal


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")


@pytest.fixture
def house(place: Place) -> Iterator[House]:
    made = House(place, rooms=())
    yield made
    made.close()


def filled(place: Place, tenant: str = "main", patients: int = 30) -> list[str]:
    """Write and close a small store; the ids of its patients."""
    house = House(place, rooms=())
    chart = Chart(house.seat(tenant).tenant, system(tenant))
    ids = []
    for number in range(patients):
        family = [{"family": f"Name{number}"}]
        (one,) = chart.write([Change("create", "Patient", body=patient(name=family))])
        chart.write([Change("create", "Observation", body=observation(f"Patient/{one.version.id}"))])
        house.seat(tenant).home.wait(house.seat(tenant).home.tip())
        chart.search(search.parse(("Patient",), [("name", "name")]))
        ids.append(one.version.id)
    house.hall(system(tenant)).blobs.put([b"a scan"], patient=ids[0])
    house.close()
    return ids


def altered(house: House, tenant: str, file: str, change: Callable[[apsw.Connection], object]) -> None:
    """Change a file as somebody could who holds the page key but not the signing key."""
    keys, _ = house.keys(tenant)
    db = connect(house.folder(tenant) / file, keys.pages)
    change(db)
    db.close()


def first(house: House, tenant: str = "main", *, deep: bool = False) -> tuple[str, int | str]:
    report = examined(house, tenant, deep=deep)
    assert not report.ok
    return report.wrong[0].file, report.wrong[0].entry


def test_a_sound_store_verifies_deeply_and_counts_what_it_saw(place: Place, house: House) -> None:
    filled(place)
    report = examined(house, "main", deep=True)
    assert report.ok, report.wrong
    assert (report.entries, report.bodies, report.blobs, report.witnessed) == (60, 60, 1, 1)
    assert report.audit_rows == 30 and report.index_rows > 300


def test_one_byte_of_a_stored_body_is_found_at_its_entry(place: Place, house: House) -> None:
    ids = filled(place)
    keys, _ = house.keys("main")
    spot = where(house.folder("main"), keys, f"Patient/{ids[11]}")
    assert spot is not None and spot["entry"] == 23
    path = Path(str(spot["file"]))
    raw = bytearray(path.read_bytes())
    raw[int(str(spot["offset"])) + int(str(spot["length"])) // 2] ^= 0x20
    path.write_bytes(raw)
    assert first(house) == ("log.db", 23)


@pytest.mark.parametrize("column", ["at", "caller", "op", "com", "seal"])
def test_one_altered_field_of_an_entry_is_found(place: Place, house: House, column: str) -> None:
    filled(place)
    value = {"at": "at + 1", "caller": "'other'", "op": "'delete'"}.get(column, f"zeroblob(length({column}))")
    altered(house, "main", "log.db", lambda db: db.execute(f"UPDATE entry SET {column} = {value} WHERE t = 17"))
    assert first(house) == ("log.db", 17)


def test_an_altered_audit_row_is_found_at_its_block(place: Place, house: House) -> None:
    filled(place)
    altered(
        house, "main", "audit.db", lambda db: db.execute("UPDATE block SET rows = zeroblob(length(rows)) WHERE n = 9")
    )
    assert first(house) == ("audit.db", 9)


def test_a_rewritten_entry_is_found_though_all_later_seals_were_recomputed_without_the_key(
    place: Place, house: House
) -> None:
    filled(place)

    def rewrite(db: apsw.Connection) -> None:
        db.execute("UPDATE entry SET caller = 'nobody' WHERE t = 20")
        previous = db.execute("SELECT seal FROM entry WHERE t = 19").get
        for row in db.execute(
            "SELECT t,ver,op,at,caller,purpose,request,epoch,com FROM entry WHERE t >= 20"
        ).fetchall():
            previous = seal(b"guessed".ljust(32), previous, Header(*row))  # type: ignore[arg-type]
            db.execute("UPDATE entry SET seal = ? WHERE t = ?", (previous, row[0]))

    altered(house, "main", "log.db", rewrite)
    assert first(house) == ("log.db", 20)


def test_a_cut_tail_is_found_because_the_witness_saw_it(place: Place, house: House) -> None:
    filled(place)
    altered(
        house, "main", "log.db", lambda db: db.execute("DELETE FROM entry WHERE t > 40; DELETE FROM body WHERE t > 40")
    )
    assert first(house) == ("log.db", 41)


def test_a_cut_audit_tail_is_found(place: Place, house: House) -> None:
    filled(place)
    altered(house, "main", "audit.db", lambda db: db.execute("DELETE FROM block WHERE n > 20"))
    assert first(house) == ("audit.db", 21)


def test_an_older_file_put_back_is_found(place: Place, house: House, tmp_path: Path) -> None:
    filled(place, patients=10)
    shutil.copytree(house.folder("main"), tmp_path / "yesterday")
    filled(place, patients=5)
    shutil.rmtree(house.folder("main"))
    shutil.copytree(tmp_path / "yesterday", house.folder("main"))
    assert first(house) == ("log.db", 21)


def test_exchanged_files_of_two_tenants_are_found(place: Place, house: House) -> None:
    filled(place, "main", 5)
    filled(place, "other", 5)
    one, two = house.folder("main") / "log.db", house.folder("other") / "log.db"
    scratch = one.with_suffix(".x")
    one.rename(scratch)
    two.rename(one)
    scratch.rename(two)
    assert first(house, "main") == ("log.db", 1)
    assert first(house, "other") == ("log.db", 1)


def test_an_altered_index_row_and_an_altered_blob_are_found_deeply(place: Place, house: House) -> None:
    filled(place)
    altered(house, "main", "idx.db", lambda db: db.execute("DELETE FROM tok WHERE t = 8"))
    assert examined(house, "main").ok
    assert first(house, deep=True) == ("idx.db", 8)
    altered(house, "main", "idx.db", lambda db: db.execute("DELETE FROM fact"))
    filled(place, patients=1)
    blob = next((house.folder("main") / "blobs").glob("??/*"))
    raw = bytearray(blob.read_bytes())
    raw[-1] ^= 1
    blob.write_bytes(raw)
    assert first(house, deep=True)[0] == "blobs"


def test_a_forged_witness_line_is_found(place: Place, house: House) -> None:
    filled(place)
    line = next(place.witness.glob("*.jsonl"))
    line.write_bytes(line.read_bytes().replace(b'"t":60', b'"t":59') + b"\n")
    assert first(house)[0] == "witness"


def test_a_damaged_page_that_no_row_shows_is_found(place: Place, house: House) -> None:
    filled(place)
    keys, _ = house.keys("main")
    path = house.folder("main") / "log.db"
    db = connect(path, keys.pages)
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1  # in the authentication tag of the last page
    path.write_bytes(raw)
    assert not examined(house, "main").ok


def test_a_body_taken_out_as_if_erased_is_found(place: Place, house: House) -> None:
    filled(place, patients=5)

    def feign(db: apsw.Connection) -> None:
        db.execute("DELETE FROM body WHERE t = 4")
        db.execute("INSERT INTO erased (t, by) VALUES (4, 7)")

    altered(house, "main", "log.db", feign)
    assert first(house) == ("log.db", 4)


def test_two_bodies_exchanged_with_their_salts_are_found(place: Place, house: House) -> None:
    filled(place, patients=5)

    def exchange(db: apsw.Connection) -> None:
        for old, new in ((2, -1), (4, 2), (-1, 4)):
            db.execute("UPDATE body SET t = ? WHERE t = ?", (new, old))

    altered(house, "main", "log.db", exchange)
    assert first(house) == ("log.db", 2)


def test_an_audit_block_of_another_tenant_is_found(place: Place, house: House) -> None:
    filled(place, "main", 5)
    filled(place, "other", 5)
    taken: list[tuple[bytes, bytes]] = []
    altered(house, "other", "audit.db", lambda db: taken.extend(db.execute("SELECT rows, seal FROM block WHERE n = 2")))
    altered(
        house, "main", "audit.db", lambda db: db.execute("UPDATE block SET rows = ?, seal = ? WHERE n = 2", taken[0])
    )
    assert first(house) == ("audit.db", 2)


@pytest.mark.parametrize("left", [0, 1])
def test_signed_heads_that_were_taken_away_are_missed(
    place: Place, house: House, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = [0]
    late = clock.now
    monkeypatch.setattr(clock, "now", lambda: late() + hour[0])
    for _ in range(3):
        filled(place, patients=2)
        hour[0] += 3_600_000_000
    assert examined(house, "main").ok
    signed = place.witness / "main.jsonl"
    signed.write_bytes(b"".join(signed.read_bytes().splitlines(keepends=True)[:left]))
    assert first(house)[0] == "witness"
    signed.unlink()
    assert first(house) == ("witness", 1)


def test_a_tenant_that_is_gone_or_has_lost_its_key_is_missed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place, patients=2)
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(getattr(place, name)))
    assert CliRunner().invoke(verify, ["--json"], standalone_mode=False).return_value == 0
    key = place.home / "tenants" / "main" / "tenant.key"
    key.unlink()
    told = CliRunner().invoke(verify, ["--json"], standalone_mode=False)
    assert (told.return_value, "key is missing" in told.output, key.exists()) == (1, True, False)
    shutil.rmtree(key.parent)
    assert CliRunner().invoke(verify, ["--json"], standalone_mode=False).return_value == 1


def erased(place: Place, *names: str) -> None:
    """Erase resources of a closed store, each in a group of its own, and close it again."""
    house = House(place, rooms=())
    home = house.seat("main").home
    for name in names:
        type, _, id = name.partition("/")
        Chart(house.seat("main").tenant, system("main")).write([Change("erase", type, id)])
        home.wait(home.tip())
    house.close()


def test_an_erasure_verifies_deeply_also_one_on_top_of_another(place: Place, house: House) -> None:
    ids = filled(place, patients=5)
    erased(place, f"Patient/{ids[1]}", f"Patient/{ids[2]}", f"Patient/{ids[1]}")
    report = examined(house, "main", deep=True)
    assert report.ok, report.wrong
    assert (report.entries, report.erased) == (13, 3)  # two bodies, and the erasure that another took over


def test_a_body_taken_out_in_the_name_of_a_real_erasure_is_found(place: Place, house: House) -> None:
    ids = filled(place, patients=5)
    erased(place, f"Patient/{ids[0]}")

    def hide(db: apsw.Connection) -> None:
        db.execute("DELETE FROM body WHERE t = 4")
        db.execute("INSERT INTO erased (t, by) VALUES (4, 11)")

    altered(house, "main", "log.db", hide)
    assert first(house) == ("log.db", 4)


def test_an_erasure_whose_positions_were_widened_is_found(place: Place, house: House) -> None:
    ids = filled(place, patients=5)
    erased(place, f"Patient/{ids[0]}")

    def widen(db: apsw.Connection) -> None:
        packed = zstandard.ZstdCompressor().compress(positions([1, 4]))
        db.execute("UPDATE body SET z = ? WHERE t = 11", (packed,))
        db.execute("DELETE FROM body WHERE t = 4")
        db.execute("INSERT INTO erased (t, by) VALUES (4, 11)")

    altered(house, "main", "log.db", widen)
    assert first(house)[0] == "log.db"


def test_a_body_put_back_after_its_erasure_is_found(place: Place, house: House) -> None:
    ids = filled(place, patients=5)
    kept: list[tuple[object, ...]] = []
    altered(house, "main", "log.db", lambda db: kept.extend(db.execute("SELECT * FROM body WHERE t = 1")))
    erased(place, f"Patient/{ids[0]}")

    def restore(db: apsw.Connection) -> None:
        db.execute("INSERT INTO body VALUES(?,?,?,?,?)", kept[0])
        db.execute("DELETE FROM erased WHERE t = 1")

    altered(house, "main", "log.db", restore)
    assert first(house) == ("log.db", 1)


def test_an_index_that_fell_behind_an_erasure_forgets_it_when_it_follows_again(place: Place, house: House) -> None:
    ids = filled(place, patients=5)
    index = house.folder("main") / "idx.db"
    behind = index.read_bytes()
    erased(place, f"Patient/{ids[3]}")
    for suffix in ("-wal", "-shm"):
        index.with_name(f"idx.db{suffix}").unlink(missing_ok=True)
    index.write_bytes(behind)
    erased(place)
    report = examined(house, "main", deep=True)
    assert report.ok, report.wrong
    keys, _ = house.keys("main")
    db = connect(index, keys.pages, readonly=True)
    assert db.execute("SELECT count(*) FROM str WHERE norm LIKE '%name3%'").get == 0
    assert db.execute("SELECT count(*) FROM str WHERE norm LIKE '%name2%'").get != 0
    db.close()


def test_a_display_text_leaves_with_the_last_that_used_it(place: Place, house: House) -> None:
    own = House(place, rooms=())
    chart = Chart(own.seat("main").tenant, system("main"))
    ids = []
    for text in ("shared words", "private words", "shared words"):
        category = [{"coding": [{"system": "urn:c", "code": "1", "display": text}]}]
        (one,) = chart.write([Change("create", "Observation", body=observation("Patient/x", category=category))])
        ids.append(one.version.id)
    own.close()
    erased(place, f"Observation/{ids[1]}", f"Observation/{ids[2]}")
    assert examined(house, "main", deep=True).ok
    keys, _ = house.keys("main")
    db = connect(house.folder("main") / "idx.db", keys.pages, readonly=True)
    assert {norm for (norm,) in db.execute("SELECT norm FROM txt")} == {"shared words"}
    db.close()
