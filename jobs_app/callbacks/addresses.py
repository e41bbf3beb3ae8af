"""Where a notice may go: never to an inner address, unless ``PORTAL_CALLBACK_ALLOW`` names it.

A name is looked up once for each attempt, all its addresses are judged, and the connection is made to exactly those:
a second answer of the name server is never asked for.
"""

import re
import socket
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings

from ..deadline import in_thread

IP = IPv4Address | IPv6Address

LONGEST = 2048
_SHAPE = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*)?"
)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
# What stands unescaped in a path or query (RFC 3986); nothing that two readers could understand differently.
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # what a last label may not be, or old readers take the host for an address

# Beyond what Python calls private. The last one is public by its number, and reaches the host of a machine in Azure.
_NOT_PUBLIC = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_GLOBAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


class RefusedError(Exception):
    """This address must not be called; the text is a sentence that says why."""


class UnresolvedError(Exception):
    """The host name could not be looked up; the text is a sentence."""


@dataclass(frozen=True)
class Address:
    """An address of the right form; whether it may be called is only known once its host was looked up."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """As the header ``Host`` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"https": 443, "http": 80}
# The one place that asks for the addresses of a name.
look_up: Callable[..., Any] = socket.getaddrinfo


def parse(url: str) -> Address:
    """Raises ``RefusedError`` when the address hasn't the form of one that may be called."""
    head, slash, rest = url.partition("://")
    authority, slash_of_path, path = rest.partition("/")
    if "@" in authority:
        raise RefusedError("Leave user name and password out of the address; the signature proves who calls.")
    found = _SHAPE.fullmatch(f"{head}{slash}{authority}".lower() + slash_of_path + path)
    if not found or not url.isascii() or len(url) > LONGEST or not _PATH.fullmatch(found["path"] or "/"):
        raise RefusedError("Give an address such as https://host/path, in ASCII, without a fragment.")
    host, port = found["host"], int(found["port"] or _PORTS[found["scheme"]])
    if not 0 < port < 65536:
        raise RefusedError("Give a port between 1 and 65535.")
    return Address(found["scheme"], _checked(host), port, found["path"] or "/")


def _checked(host: str) -> str:
    """The host without brackets; a literal address only where the allow-list has it."""
    if host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            literal = ip_address(host.strip("[]"))
        except ValueError as error:
            raise RefusedError("Give the host by its name; this is no name and no address.") from error
        if not _is_allowed(literal):
            raise RefusedError("Give the host by its name; an IP address must stand in PORTAL_CALLBACK_ALLOW.")
        return str(literal)
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise RefusedError("The host is no well-formed name; write names in other scripts in their xn-- form.")
    return host


def resolve(address: Address, *, seconds: float) -> list[IP]:
    """Every address of the host, all of which may be called.

    Raises ``UnresolvedError`` when there is none within the time, or ``RefusedError`` when any must not be called.
    """
    found = _looked_up(address, seconds)
    for each in found:
        if not (address.host in settings.CALLBACK_HOSTS or _is_allowed(each) or is_public(each)):
            raise RefusedError(
                "Its host has an address that isn't public; an inner receiver must stand in PORTAL_CALLBACK_ALLOW."
            )
        if address.scheme == "http" and not each.is_loopback:
            raise RefusedError("Only https is called; plain http is for this machine's own addresses.")
    return found


def _looked_up(address: Address, seconds: float) -> list[IP]:
    ask = partial(look_up, address.host, address.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    asked: Future[Any] = in_thread(ask)
    try:
        answers = asked.result(timeout=seconds)
    except TimeoutError as error:
        raise UnresolvedError("Its host name could not be looked up in time.") from error
    except (OSError, UnicodeError) as error:
        raise UnresolvedError("Its host name could not be looked up.") from error
    # A link-local IPv6 address carries its interface behind a percent sign; it is judged, and refused, without.
    found = dict.fromkeys(ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in answers)
    if not found:
        raise UnresolvedError("Its host name has no address.")
    return list(found)


def is_public(ip: IP) -> bool:
    """Whether the address, and any IPv4 address that it stands for, is one of the public internet."""
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in each for each in _NOT_PUBLIC)
    if embedded := _embedded(ip):
        return all(is_public(each) for each in embedded)
    return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in each for each in _NOT_GLOBAL)


def _embedded(ip: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that gateways and hosts read out of it."""
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    if ip.sixtofour:
        return [ip.sixtofour]
    if ip.teredo:
        return list(ip.teredo)
    return [IPv4Address(int(ip) & 0xFFFFFFFF)] if ip in _NAT64 else []


def _is_allowed(ip: IP) -> bool:
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return any((mapped or ip) in network for network in settings.CALLBACK_NETWORKS)
