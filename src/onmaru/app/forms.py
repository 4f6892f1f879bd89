"""What a setting's text has to look like, in words and as a test."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Form(NamedTuple):
    """What a text has to look like: in words, and as a test."""

    words: str
    holds: Callable[[str], bool]


def an_address(text: str) -> bool:
    """Empty, or scheme, host and port of HTTP."""
    return bool(re.fullmatch(r"(https?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?)?", text))


def a_database(text: str) -> bool:
    """Empty, or the address of a PostgreSQL database, which holds no password."""
    found = re.fullmatch(r"(postgres(ql)?://([^:@/?#]*@)?[^@/?#]*/[^?#@]*(\?[^#]*)?)?", text)
    return found is not None and "password=" not in text


def a_relay(text: str) -> bool:
    """Empty, or scheme, host and port of SMTP."""
    return bool(re.fullmatch(r"(smtps?://([a-z0-9.\-]+|\[[0-9a-f:]+\]):\d{1,5})?", text))


def a_broker(text: str) -> bool:
    """Empty, or scheme and host of MQTT, with a port or without."""
    return bool(re.fullmatch(r"(mqtts?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?)?", text))


def a_server(text: str) -> bool:
    """Empty, or scheme and host of NATS, with a port or without."""
    return bool(re.fullmatch(r"((nats|tls)://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?)?", text))


def a_subject(text: str) -> bool:
    """A subject of NATS in which `{tenant}` is one of the tokens, and no other stands for several but the last."""
    tokens = text.split(".")
    plain = all(re.fullmatch(r"[A-Za-z0-9_\-]+|\{tenant\}", one) for one in tokens[:-1])
    return plain and tokens.count("{tenant}") == 1 and bool(re.fullmatch(r"[A-Za-z0-9_\-]+|\{tenant\}|>", tokens[-1]))


def networks(text: str) -> bool:
    """Networks of IP, apart by spaces."""
    import ipaddress

    try:
        return all(ipaddress.ip_network(one, strict=False) for one in text.split())
    except ValueError:
        return False
