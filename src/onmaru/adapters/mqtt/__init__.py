"""MQTT 5 (OASIS, 2019): messages of devices from a broker, acknowledged (PUBACK) only once they are on the disk."""

from onmaru.adapters.mqtt.connection import Broker
from onmaru.adapters.mqtt.packets import NOT_AUTHORIZED
from onmaru.adapters.mqtt.publisher import Publisher
from onmaru.adapters.mqtt.subscriber import Done, Subscriber

__all__ = ["NOT_AUTHORIZED", "Broker", "Done", "Publisher", "Subscriber"]
