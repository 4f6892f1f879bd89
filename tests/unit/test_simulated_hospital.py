"""The simulated hospital: deterministic, plausible, and its ledger equal to what a correct reader finds."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from tests.unit.simulated import Read, Refused, resources, v2

from onmaru.fhir import structure
from onmaru.simulate import NO_FAULTS, Event, Settings, hospital, pace
from onmaru.simulate.settings import WARDS

ROOT = Path(__file__).resolve().parents[2]
MANY = {"days": 14.0, "patients": 100, "beds": 140}


@pytest.fixture(scope="module")
def run() -> tuple[list[Event], object]:
    simulated = hospital(11, **MANY)
    return list(simulated), simulated.truth


def digest(events: Iterable[Event]) -> str:
    whole = hashlib.sha256()
    for event in events:
        whole.update(b"%d %s %s\n" % (event.at_us, event.channel.encode(), event.payload))
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    here = digest(hospital(3, 2.0, patients=10))
    code = (
        "from tests.unit.test_simulated_hospital import digest; "
        "from onmaru.simulate import hospital; print(digest(hospital(3, 2.0, patients=10)))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert there.stdout.strip() == here


def test_another_seed_gives_other_people_and_other_events() -> None:
    one, other = (hospital(seed, 2.0, patients=10) for seed in (1, 2))
    assert digest(one) != digest(other)
    assert {who.name for who in one.truth.patients.values()} != {who.name for who in other.truth.patients.values()}


def test_events_come_in_order_of_time(run: tuple[list[Event], object]) -> None:
    times = [event.at_us for event in run[0]]
    assert times == sorted(times)
    assert len(times) > 5_000


def test_ten_thousand_messages_parse_when_nothing_goes_wrong() -> None:
    settings = Settings(faults=NO_FAULTS)
    kinds: Counter[str] = Counter()
    controls = set()
    for event in v2(hospital(5, 21.0, patients=110, beds=200, settings=settings)):
        message = Read(event.payload)
        kinds[message.kind] += 1
        controls.add(message.control)
    assert kinds.total() >= 10_000
    assert len(controls) == kinds.total()
    asked = ["A01", "A02", "A03", "A04", "A08"]
    assert {f"ADT^{event}" for event in asked} <= {kind[:7] for kind in kinds}
    others = {
        "ORU^R01^ORU_R01",
        "ORM^O01^ORM_O01",
        "OML^O21^OML_O21",
        "RDE^O11^RDE_O11",
        "MDM^T02^MDM_T02",
        "SIU^S12^SIU_S12",
    }
    assert others <= set(kinds)


def test_mistakes_of_clerks_are_cancelled_and_merged(run: tuple[list[Event], object]) -> None:
    sent = run[1].sent
    for kind in ("ADT^A11^ADT_A09", "ADT^A13^ADT_A01", "ADT^A40^ADT_A39"):
        assert sent[kind] > 0


def test_korean_text_comes_in_both_character_sets(run: tuple[list[Event], object]) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for event in v2(run[0]):
        try:
            message = Read(event.payload)
        except Refused:
            continue
        seen[message.one("MSH", 18)].add(message.one("PID", 5).split("^")[0])
    assert set(seen) == {"UNICODE UTF-8", "KS X 1001"}
    for surnames in seen.values():
        assert "김" in surnames


def test_results_carry_flags_units_and_ranges(run: tuple[list[Event], object]) -> None:
    flags: Counter[str] = Counter()
    for event in v2(run[0]):
        if b"|ORU^R01^" not in event.payload:
            continue
        try:
            message = Read(event.payload)
        except Refused:
            continue
        for obx in message.all("OBX"):
            if obx[2] == "NM":
                float(obx[5])
                assert obx[3].split("^")[2] == "LN"
                assert obx[6].endswith("^UCUM")
                flags[obx[8]] += 1
    assert {"H", "L", "N"} <= set(flags)


def test_the_ledger_equals_what_a_correct_reader_finds(run: tuple[list[Event], object]) -> None:
    events, truth = run
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    refused: Counter[str] = Counter()
    values: dict[str, str] = {}
    merged, visits = {}, {}
    taken: set[bytes] = set()
    for event in events:
        if event.payload in taken:
            continue
        taken.add(event.payload)
        if event.channel == "fhir":
            try:
                for one in resources(event):
                    kind = one["resourceType"]
                    if kind in ("MedicationAdministration", "QuestionnaireResponse"):
                        whole = resources(event)
                        mrn = whole[0]["identifier"][0]["value"]
                        found[kind][mrn].add(event.payload.decode())
            except Refused as why:
                refused[str(why)] += 1
            continue
        try:
            message = Read(event.payload)
        except Refused as why:
            refused[str(why)] += 1
            continue
        mrn = message.mrn
        found["Patient"][""].add(mrn)
        for dg1 in message.all("DG1"):
            found["Condition"][mrn].add(dg1[20])
        if message.all("PV1"):
            number = message.one("PV1", 19).split("^")[0]
            state = "finished" if message.one("PV1", 45) else "in-progress"
            if message.kind.startswith("ADT"):
                visits[number] = "cancelled" if message.kind.startswith("ADT^A11") else state
        if message.kind.startswith("ORU"):
            filler = message.one("OBR", 3).split("^")[0]
            for obx in message.all("OBX"):
                name = f"{filler}/{obx[3].split('^')[0]}"
                found["Observation"][mrn].add(name)
                values[name] = obx[5]
        if message.kind.startswith("MDM"):
            found["DocumentReference"][mrn].add(message.one("TXA", 12))
        if message.kind.startswith("RDE"):
            found["MedicationRequest"][mrn].add(message.one("ORC", 2))
        if message.kind.startswith("SIU"):
            found["Appointment"][mrn].add(message.one("SCH", 1))
        if message.kind.startswith("ADT^A40"):
            merged[message.one("MRG", 1).split("^")[0]] = mrn

    def counts(kind: str) -> dict[str, int]:
        return {mrn: len(names) for mrn, names in found[kind].items()}

    assert found["Patient"][""] == set(truth.patients)
    assert merged == truth.merged
    assert visits == {number: stay.status for number, stay in truth.stays.items()}
    assert counts("Observation") == truth.observations
    assert counts("Condition") == truth.conditions
    assert counts("DocumentReference") == truth.documents
    assert counts("MedicationRequest") == truth.prescriptions
    assert counts("Appointment") == truth.appointments
    assert counts("MedicationAdministration") == truth.administrations
    assert counts("QuestionnaireResponse") == truth.answers
    assert {name: values[name] for name in truth.corrected} == truth.corrected
    assert truth.corrected
    assert refused.pop("wrong_charset") == truth.mislabelled
    assert dict(refused) == truth.refused
    assert set(truth.survivors()) == set(truth.patients) - set(merged)


def test_every_fhir_transaction_is_valid_r4(run: tuple[list[Event], object]) -> None:
    checked = 0
    for event in run[0]:
        if event.channel == "fhir" and event.payload.endswith(b"}"):
            structure.decode(event.payload, "Bundle")
            checked += 1
    assert checked > 500


def test_the_bed_of_every_patient_is_known_to_the_masters(run: tuple[list[Event], object]) -> None:
    events, truth = run
    beds = set()
    for event in events[:10]:
        if event.channel == "fhir":
            for one in resources(event):
                beds |= {one["identifier"][0]["value"]} if one["resourceType"] == "Location" else set()
    assert {stay.place for stay in truth.stays.values() if stay.kind != "O"} <= beds


def test_appointments_are_on_working_days_in_clinic_hours(run: tuple[list[Event], object]) -> None:
    seen = 0
    for event in v2(run[0]):
        if b"|SIU^S12^" in event.payload:
            try:
                start = Read(event.payload).one("SCH", 11).split("^")[3]
            except Refused:
                continue
            when = datetime.datetime.strptime(start, "%Y%m%d%H%M%S%z")
            assert when.weekday() < 5
            assert 9 <= when.hour < 16
            seen += 1
    assert seen > 10


def test_a_hospital_without_a_ward_that_courses_need_is_refused() -> None:
    with pytest.raises(ValueError, match="MICU"):
        hospital(1, 1.0, settings=Settings(wards=tuple(ward for ward in WARDS if ward.code != "MICU")))


def test_two_namesakes_lie_on_one_ward_and_differ_in_birth_date_and_sex(run: tuple[list[Event], object]) -> None:
    together: dict[tuple[str, str, str], set[tuple[str, str, str]]] = defaultdict(set)
    for event in v2(run[0]):
        if b"|ORU^R01^" not in event.payload or b"|71W^" not in event.payload:
            continue
        try:
            message = Read(event.payload)
        except Refused:
            continue
        name = message.one("PID", 5).split("~")[0]
        hour = message.one("MSH", 7)[:10]
        who = (message.mrn, message.one("PID", 7), message.one("PID", 8))
        together[(hour, name, "71W")].add(who)
    pairs = [people for people in together.values() if len(people) == 2]
    assert pairs
    for people in pairs:
        (_, born, sex), (_, other_born, other_sex) = people
        assert born != other_born or sex != other_sex


def test_a_death_is_told_in_the_discharge(run: tuple[list[Event], object]) -> None:
    events, truth = run
    told = set()
    for event in v2(events):
        if b"|ADT^A03^" in event.payload:
            try:
                message = Read(event.payload)
            except Refused:
                continue
            if message.one("PID", 30) == "Y":
                assert message.one("PV1", 36) == "20"
                told.add(message.mrn)
    assert told == truth.deceased
    assert told


def test_vitals_of_intensive_care_stream_only_when_asked_for() -> None:
    settings = Settings(vitals_seconds=60, mix=(("chest_pain", 1.0),), namesake_every=0)
    events = list(hospital(4, 3.0, patients=8, settings=settings))
    numerics = [
        msgspec.json.decode(event.payload)
        for event in events
        if event.channel == "vitals" and event.payload[-1:] == b"}"
    ]
    assert numerics
    assert set(numerics[0]) == {"at_us", "mrn", "visit", "bed", "values"}
    assert numerics[0]["bed"].startswith("MICU/")
    assert numerics[0]["values"]["8867-4"][1] == "/min"
    quiet = hospital(4, 3.0, patients=8, settings=msgspec.structs.replace(settings, vitals_seconds=0))
    assert all(event.channel != "vitals" for event in quiet)


def test_nobody_shares_a_bed() -> None:
    settings = Settings(faults=NO_FAULTS)
    lying: dict[str, str] = {}
    for event in v2(hospital(9, 10.0, patients=60, beds=40, settings=settings)):
        message = Read(event.payload)
        if not message.kind.startswith("ADT"):
            continue
        visit, place = message.one("PV1", 19), message.one("PV1", 3)
        if not place.split("^")[2]:
            continue
        lying = {bed: who for bed, who in lying.items() if who != visit}
        if not message.one("PV1", 45):
            assert place not in lying
            lying[place] = visit
    assert lying


def test_pace_waits_as_long_as_the_speed_says_and_catches_up_after_a_delay() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    events = [Event(at * 1_000_000, "hl7v2", b"") for at in (0, 10, 30, 40)]
    given = []
    for event in pace(events, 10.0, lambda: now[0], sleep):
        given.append(event)
        if event.at_us == 10_000_000:
            now[0] += 2.5
    assert given == events
    assert slept == [1.0, 0.5]
    with pytest.raises(ValueError, match="above 0"):
        next(pace(events, 0.0, lambda: 0.0, sleep))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_patients() -> None:
    code = (
        "import resource, sys; from onmaru.simulate import hospital; "
        "n = sum(1 for _ in hospital(1, float(sys.argv[1]), patients=int(sys.argv[2]), beds=300)); "
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def measured(days: float, patients: int) -> tuple[int, int]:
        done = subprocess.run(
            [sys.executable, "-c", code, str(days), str(patients)], capture_output=True, text=True, check=True
        )
        events, kibibytes = done.stdout.split()
        return int(events), int(kibibytes)

    few, small = measured(3.0, 50)
    many, large = measured(20.0, 400)
    assert many > 5 * few
    assert large - small < 30_000
