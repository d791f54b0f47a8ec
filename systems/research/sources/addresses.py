"""Addresses of web pages, and which of them are refused: whatever does not lie in the public network.

A name may belong to anybody, and its owner may point it at a machine of the private network, at this very machine, or
at the address under which a cloud tells its secrets. So not the name is judged but the numbers it stands for, all of
them, and the connection is made to those numbers and never to the name: it cannot stand for others in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from systems.research.sources.documents import CannotRead

_MOST_CHARACTERS = 2_000
_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:@!$&'()*+,;=~-._?[]|"

_IPV4_INSIDE = ip_network("64:ff9b::/96")  # translated by the network: the last four bytes are the address meant
_PUBLIC_IPV6 = ip_network("2000::/3")
# What Python's `is_global` lets pass, in one version or another, and is no place for pages: shared and special ranges,
# relays, and the address at which one of the large clouds answers its own machines.
_SPECIAL = tuple(
    map(
        ip_network,
        ("100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20"),
    )
)


class WebAddress(msgspec.Struct, frozen=True):
    """Where a page is. ``target`` is what is asked of the host: the path, and the query if there is one."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    @property
    def place(self) -> str:
        """The host, and the port where it is not the usual one, as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what shares connections and rules for robots."""
        return f"{self.scheme}://{self.place}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.origin}{self.target}"


def web_address(text: str) -> WebAddress:
    """Return the address that ``text`` writes. Raises `CannotRead` where it is none, or not one of http(s)."""
    if len(text) > _MOST_CHARACTERS:
        raise CannotRead(f"its address has more than {_MOST_CHARACTERS:,} characters")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise CannotRead("its address is malformed") from error
    if parts.scheme not in _PORTS:
        raise CannotRead(f"its scheme is {parts.scheme or 'missing'}, and only http, https and file are read")
    if parts.username is not None or parts.password is not None:
        raise CannotRead("its address carries a user's name or password")
    port = _PORTS[parts.scheme] if port is None else port
    if port == 0:
        raise CannotRead("its address is malformed")
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return WebAddress(parts.scheme, host_name(parts.hostname or ""), port, target)


def joined(here: WebAddress, location: str) -> WebAddress:
    """Return where ``location`` leads from ``here``. Raises `CannotRead`."""
    if len(location) > _MOST_CHARACTERS:
        raise CannotRead(f"its address has more than {_MOST_CHARACTERS:,} characters")
    try:
        there = urljoin(here.url, location.strip())
        scheme = urlsplit(there).scheme
    except ValueError as error:
        raise CannotRead("it redirects to a malformed address") from error
    if scheme not in _PORTS:
        raise CannotRead(f"it redirects to a {scheme[:20]} address, and none but http and https are followed")
    return web_address(there)


def host_name(host: str) -> str:
    """Return a host's name as all ways to write it have in common. Raises `CannotRead` where it is none."""
    host = host.strip("[]").lower().removesuffix(".")
    if len(host) > 253:
        raise CannotRead("its host's name is too long")
    try:
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        if ":" in host:
            return IPv6Address(host).compressed
    except ValueError as error:  # of idna too: a UnicodeError is one
        raise CannotRead("its address names no host") from error
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host):
        raise CannotRead("its address names no host")
    return host


def checked(host: str, numbers: Sequence[str], private: Iterable[str] = ()) -> list[str]:
    """Return the addresses of ``host`` if it may be connected to. Raises `CannotRead`.

    One that is not public refuses all, unless the host is among the ``private`` ones that a person named.
    """
    if not numbers:
        raise CannotRead(f"{host} has no address")
    closed = [number for number in numbers if not is_public(number)]
    if closed and host not in private:
        meant = host if host == closed[0] else f"{host} ({closed[0]})"
        raise CannotRead(f"{meant} is not in the public network, and was not named as an exception")
    return list(numbers)


def is_public(number: str) -> bool:
    """Return whether an address, in numbers, lies in the public network."""
    address = ip_address(number.partition("%")[0])
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and address in _IPV4_INSIDE:
            inside = IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if address not in _PUBLIC_IPV6:
            return False
    inward = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_private
    special = address.is_multicast or address.is_reserved or any(address in network for network in _SPECIAL)
    return address.is_global and not inward and not special
