"""Where a request comes from and under which address it was asked: only a proxy that is named is believed about either."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:]{2,45}\](:\d{1,5})?")
_PORT = re.compile(r"(?P<v4>\d+(\.\d+){3}):\d+|\[(?P<v6>[^\]]+)\](:\d+)?")


class Asked(Protocol):
    """What the server tells of where a request came from (RSGI 1.5)."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def client(self) -> str: ...
    @property
    def scheme(self) -> str: ...


class Origin:
    """`base`: the address that people and links use ("": the request's own). `proxies`: networks of the reverse proxies
    whose `X-Forwarded-For` is believed; ValueError when one is no network."""

    def __init__(self, base: str = "", proxies: Sequence[str] = ()) -> None:
        self._base = base
        self._proxies = tuple(ipaddress.ip_network(one, strict=False) for one in proxies)

    def base(self, asked: Asked) -> str:
        """Scheme and host that links are written with, without a last slash."""
        return self._base or f"{asked.scheme}://{_host(asked)}"

    def secure(self, asked: Asked) -> bool:
        """Whether the person's browser speaks TLS, here or to the proxy before us."""
        return (self._base or asked.scheme).startswith("https")

    def address(self, asked: Asked) -> str:
        """The client's address: the peer's, or the last one before the named proxies where the peer is such a proxy."""
        nearest = asked.client.rpartition(":")[0] or asked.client
        if not self._proxies or not self._proxy(nearest):
            return nearest
        # Each proxy adds its peer at the end, perhaps as a header line of its own; what stands before is hearsay
        told = [value for name, value in asked.headers.items() if name.lower() == "x-forwarded-for"]
        for hop in reversed(",".join(told).split(",")):
            found = _bare(hop.strip())
            if not found:
                break
            nearest = found
            if not self._proxy(found):
                break
        return nearest

    def _proxy(self, address: str) -> bool:
        found = ipaddress.ip_address(_bare(address) or "::")
        return any(found in network for network in self._proxies)


def _bare(text: str) -> str:
    """The address without port and brackets, an IPv4 one out of its IPv6 form; "" when it is none."""
    shaped = _PORT.fullmatch(text)
    try:
        found = ipaddress.ip_address((shaped["v4"] or shaped["v6"]) if shaped else text)
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _host(asked: Asked) -> str:
    """The host of the request; a Host header that is not one is not repeated."""
    return _sound(asked.headers.get("host") or getattr(asked, "authority", None) or "localhost")


@lru_cache(maxsize=256)
def _sound(host: str) -> str:
    return host if _HOST.fullmatch(host) else "localhost"
