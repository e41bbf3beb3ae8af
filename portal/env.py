"""Reads settings from the environment, strictly: a value that can't be used stops the start with one sentence.

Every secret ``X`` may be given as ``X_FILE``, the path of a file that holds it.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_MAIL = "django.core.mail.backends"
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """The value of ``name``, or the content of the file named by ``name_FILE``; giving both is an error."""
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if not path:
        return value or default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {error.strerror}.") from error


def integer(name: str, default: int, *, least: int = 0) -> int:
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number, at least {least}, not {value!r}.")
    return int(value)


def number(name: str, default: float) -> float:
    """A positive number of seconds."""
    value = text(name, str(default))
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a positive number of seconds, not {value!r}.")
    return seconds


def rate(name: str, default: str) -> int:
    """So many calls a second, given as ``20/s``."""
    value = text(name, default)
    number, _, unit = value.partition("/")
    if unit != "s" or not (number.isascii() and number.isdigit() and int(number) > 0):
        raise ImproperlyConfigured(f"{name} must be a number of calls a second such as 20/s, not {value!r}.")
    return int(number)


def choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def items(name: str) -> list[str]:
    """A comma separated list, without empty items."""
    return [item.strip() for item in secret(name).split(",") if item.strip()]


def roles(name: str, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """The pairs of a role and a group in ``role=group;role=group``; a group's name may hold ``=`` and commas."""
    pairs = []
    for item in filter(None, (each.strip() for each in text(name).split(";"))):
        role, _, group = (part.strip() for part in item.partition("="))
        if role not in known or not group:
            raise ImproperlyConfigured(
                f"{name} holds {item!r}; give pairs such as auditor=compliance, separated by semicolons. Groups give "
                f"the roles {' and '.join(known)}; the others are given in the portal."
            )
        pairs.append((role, group))
    return pairs


def receivers(name: str) -> tuple[frozenset[str], tuple["ipaddress.IPv4Network | ipaddress.IPv6Network", ...]]:
    """The host names and the networks of a comma separated list of both."""
    hosts, networks = set(), []
    for item in items(name):
        try:
            networks.append(ipaddress.ip_network(item))
        except ValueError as error:
            if not _HOST.fullmatch(item) or item.replace(".", "").isdigit():
                raise ImproperlyConfigured(
                    f"{name} holds {item!r}; name hosts such as hooks.example.com, or networks such as 10.1.2.0/24."
                ) from error
            hosts.add(item.lower())
    return frozenset(hosts), tuple(networks)


def is_loopback(host: str | None) -> bool:
    """Whether ``host`` surely means this machine: ``localhost`` or a loopback address, nothing that needs DNS."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def web_address(name: str, value: str) -> str:
    """``value`` as an ``https://`` address without a trailing slash; plain http only to loopback."""
    parts = urlsplit(value)
    try:
        well_formed = bool(parts.hostname) and not (parts.username or parts.password or parts.query or parts.fragment)
        parts.port  # noqa: B018  (raises when the port isn't a number)
    except ValueError:
        well_formed = False
    if not well_formed or parts.scheme not in ("http", "https"):
        raise ImproperlyConfigured(f"{name} must be an address such as https://host, not {value!r}.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ImproperlyConfigured(
            f"{name} must begin with https://; plain http is only for this machine's own address."
        )
    return value.rstrip("/")


def mail(name: str, value: str) -> dict[str, Any]:
    """Django's settings for outgoing mail: ``smtp://user:password@host:port``, ``smtps://…`` or ``file:/folder``.

    The error names no part of the value, which may hold a password.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme == "file" and parts.path:
        return {"EMAIL_BACKEND": f"{_MAIL}.filebased.EmailBackend", "EMAIL_FILE_PATH": unquote(parts.path)}
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must be smtp://user:password@host:port, smtps:// likewise, or file:/folder."
        )
    implicit_tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": f"{_MAIL}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if implicit_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit_tls,
        # Anything but this machine's own server is spoken to in TLS only.
        "EMAIL_USE_TLS": not implicit_tls and not is_loopback(parts.hostname),
        "EMAIL_TIMEOUT": 10,
    }


def raw(name: str, default: str) -> str:
    """The value as it stands, white space included; the default only when it isn't set at all."""
    return os.environ.get(name, default)
