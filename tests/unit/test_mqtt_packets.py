"""MQTT 5 as bytes: what is sent is what the standard shows, what is heard is read whole in any pieces or refused."""

from __future__ import annotations

import pytest

from onmaru.adapters.mqtt import packets
from onmaru.adapters.mqtt.packets import Buffer, Malformed, Packet, Published

# OASIS MQTT 5, 1.5.5, table 1-1
LENGTHS = ((0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (268_435_455, "ffffff7f"))


@pytest.mark.parametrize(("value", "digits"), LENGTHS)
def test_a_length_is_written_as_the_standards_table_has_it(value: int, digits: str) -> None:
    assert packets.number(value).hex() == digits


def test_a_connect_goes_on_with_its_session_and_names_who_it_is() -> None:
    said = packets.connect("a", 10, 86_400, 2_000, ("u", "p"))
    variable = "00044d515454" + "05" + "c0" + "000a" + "08" + "1100015180" + "2107d0"
    assert said.hex() == "10" + f"{len(said) - 2:02x}" + variable + "000161" + "000175" + "000170"


def test_packets_come_whole_in_whatever_pieces_they_came() -> None:
    topic = packets.text("t")
    sent = packets.publish(topic, 7, b"x" * 200) + packets.puback(9) + packets.packet(packets.PINGRESP, 0)
    for size in (1, 2, 3, 50, len(sent)):
        buffer, found = Buffer(1000), list[Packet]()
        for start in range(0, len(sent), size):
            found += buffer.feed(sent[start : start + size])
        assert [one.kind for one in found] == [packets.PUBLISH, packets.PUBACK, packets.PINGRESP]
        assert packets.published(found[0].flags, found[0].body) == Published("t", 7, b"x" * 200)
        assert packets.acknowledged(found[1].body) == (9, 0)


def test_properties_are_passed_over_and_those_with_a_number_are_read() -> None:
    said = bytes.fromhex("0000" + "0b" + "210014" + "1f0003616263" + "2401")
    assert packets.connected(said) == (0, {0x21: 20, 0x24: 1})
    heard = packets.published(2, bytes.fromhex("000174" + "0005" + "07" + "26000161000162" + "ff"))
    assert heard == Published("t", 5, b"\xff")
    assert packets.acknowledged(b"\0\1\x87\0") == (1, 0x87)
    assert packets.subscribed(b"\0\1\0\x80") == 0x80


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (packets.connected, b"\0"), (packets.connected, b"\0\0\5\x11"), (packets.connected, b"\0\0\1\x7f"),
        (packets.acknowledged, b"\0"), (packets.subscribed, b"\0\1\0"), (packets.subscribed, b"\0\1\xff\xff\xff\xff"),
        (lambda body: packets.published(2, body), b"\0\5t"), (lambda body: packets.published(2, body), b"\0\1\xff\0\1\0"),
        (lambda body: list(Buffer(10).feed(body)), b"\x30\x0b"),
        (lambda body: list(Buffer(10).feed(body)), b"\x30\xff\xff\xff\xff\1"),
    ],
)  # fmt: skip
def test_what_is_no_mqtt_is_malformed(read: object, body: bytes) -> None:
    assert callable(read)
    with pytest.raises(Malformed):
        read(body)
