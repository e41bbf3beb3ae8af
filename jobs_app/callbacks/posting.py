"""One POST of a notice: to a checked address, within ten seconds, without redirects, proxies or a second try."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop as _
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from ..deadline import FRESH, Deadline
from .addresses import IP, Address, RefusedError, UnresolvedError, parse, resolve

TIME_LIMIT = 10.0  # seconds for all of it
CONNECT_TIMEOUT = 3.0
LONGEST_ANSWER = 64 * 1024  # bytes that are read; the rest is nobody's business
LONGEST_WISH = 3600.0  # seconds that Retry-After may ask for


@dataclass(frozen=True)
class Outcome:
    """What came of it: the status, None without a whole answer, and a sentence, empty when it was taken."""

    status: int | None
    trouble: str = ""
    retry_after: float = 0.0  # seconds that the receiver asks for

    @property
    def is_taken(self) -> bool:
        return not self.trouble

    @property
    def is_gone(self) -> bool:
        """The receiver wants no notice any more."""
        return self.status == HTTPStatus.GONE


def post(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Never raises for what the receiver, its name server or the network does."""
    with Deadline(TIME_LIMIT) as deadline:
        try:
            address = parse(url)
            found = resolve(address, seconds=deadline.left())
        except (RefusedError, UnresolvedError) as error:
            return Outcome(None, str(error))
        outcome = Outcome(None, "No connection came about in time.")
        for ip in found:
            outcome = _try(address, ip, headers, body, deadline)
            if deadline.sent or not deadline.left():
                break
        return outcome


def _try(address: Address, ip: IP, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Outcome:
    pool = FRESH[address.scheme](str(ip), address.port, **_proof(address))
    try:
        response = pool.urlopen(
            "POST",
            address.path,
            body=body,
            headers={**headers, "Host": address.netloc},
            timeout=Timeout(connect=CONNECT_TIMEOUT, read=TIME_LIMIT),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        try:
            _read(response)
        finally:
            response.close()
    except (HTTPError, OSError) as error:
        return Outcome(None, _trouble(error, deadline))
    finally:
        pool.close()
    return Outcome(None, _TOO_LATE) if deadline.reached else _judged(response)


def _proof(address: Address) -> dict[str, Any]:
    """The receiver must prove the name that it was configured by, whatever the address it is reached at."""
    if address.scheme == "http":
        return {}
    return {"ssl_context": trusted(), "server_hostname": address.host}


def trusted() -> ssl.SSLContext:
    """What a receiver's certificate is held against.

    Raises ImproperlyConfigured when PORTAL_CALLBACK_CA_FILE can't be used.
    """
    try:
        return _tls_context(settings.CALLBACK_CA_FILE)
    except OSError as error:
        raise ImproperlyConfigured(
            f"PORTAL_CALLBACK_CA_FILE names {settings.CALLBACK_CA_FILE}, which holds no readable certificates."
        ) from error


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _read(response: BaseHTTPResponse) -> None:
    left = LONGEST_ANSWER
    while left > 0 and (chunk := response.read1(left, decode_content=False)):
        left -= len(chunk)


_TOO_LATE = f"It gave no whole answer within {TIME_LIMIT:g} seconds."


def _trouble(error: Exception, deadline: Deadline) -> str:
    tls = next((each for each in _causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    if tls:
        return f"Its certificate isn't trusted: {tls.verify_message}."
    if deadline.reached or (deadline.sent and not deadline.left()):
        return _TOO_LATE
    if not deadline.sent:
        return f"No connection came about: {_why(error)}."
    return "The connection broke before a whole answer came."


def _why(error: Exception) -> str:
    causes = _causes(error)
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return _("it was refused")
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return _("the two sides don't agree on TLS")
    return _("it took too long") if any(isinstance(each, TimeoutError) for each in causes) else _("it failed")


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _judged(response: BaseHTTPResponse) -> Outcome:
    status, wish = response.status, _wish(response.headers.get("Retry-After", ""))
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Outcome(status, f"It answered {status}; redirects are not followed: set the address where it is.")
    if status == HTTPStatus.GONE:
        return Outcome(status, "It answered 410: it wants no notices any more.")
    return Outcome(status, f"It answered {status}; only a 2xx counts as taken.", wish)


def _wish(text: str) -> float:
    """The seconds of a ``Retry-After``, at most an hour; 0 for none, or one that can't be understood."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), LONGEST_WISH)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    ends = moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
    return min(max(ends - time.time(), 0.0), LONGEST_WISH)
