"""Settings of the brokers that devices speak to."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.app.forms import Form, a_broker, a_server, a_subject
from onmaru.app.setting import Setting

STREAMS: Sequence[Setting] = (
    Setting(
        "mqtt",
        "",
        "The MQTT broker whose messages of devices are taken: `mqtt://host:1883`, or `mqtts://host:8883` with TLS. "
        "Empty: none.",
        form=Form("empty or mqtt://host:port or mqtts://host:port", a_broker),
    ),
    Setting(
        "mqtt_topic",
        "onmaru/stream/#",
        "The topic filter that is subscribed to, with QoS 1; a level `{tenant}` in it names the tenant whose device speaks.",
    ),
    Setting(
        "mqtt_tenant",
        "main",
        "The tenant whose devices speak there without such a level; it gets the letters of topics that name none.",
    ),
    Setting("mqtt_user", "", "The name under which the house logs in at the broker; empty: it does not."),
    Setting("mqtt_password", "", "A file with the password for that, in one line."),
    Setting(
        "mqtt_authorities", "", "The authorities that sign the broker's certificate, a PEM file; empty: the system's."
    ),
    Setting(
        "nats",
        "",
        "The NATS server whose messages several workers share, instead of `mqtt`: `nats://host:4222`, or `tls://` with TLS. "
        "Needs `onmaru[streams]`. Empty: none.",
        form=Form("empty or nats://host:port or tls://host:port", a_server),
    ),
    Setting(
        "nats_subject",
        "onmaru.stream.{tenant}.>",
        "The subject on which a tenant's devices speak.",
        form=Form("tokens of a subject, one of them {tenant}", a_subject),
    ),
    Setting("nats_user", "", "The name under which the house logs in at the NATS server; empty: it does not."),
    Setting("nats_password", "", "A file with the password for that, in one line."),
    Setting(
        "nats_authorities", "", "The authorities that sign the server's certificate, a PEM file; empty: the system's."
    ),
)
