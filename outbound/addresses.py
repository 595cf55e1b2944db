"""Which machines may be talked to: each address a name has is looked at, and the talk goes to that very address.

So a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket

from outbound.waiting import within

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class PrivateAddressError(Exception):
    """The name leads into a private network."""


def addresses_of(host: str, port: int, *, seconds: float, allow_private: bool) -> list[str]:
    """The host's addresses, in the resolver's order. Raises PrivateAddressError, OSError, TimeoutError."""
    entries = within(
        seconds, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), name="resolver"
    )
    addresses = [str(entry[4][0]) for entry in entries]
    if not allow_private and not all(map(is_public, addresses)):
        raise PrivateAddressError(f"{host} lies in a private network, from which nothing is fetched.")
    return addresses


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None) or ip
    if ip in NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and inner.is_global and not inner.is_multicast
