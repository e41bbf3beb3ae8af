"""The only HTTP to KooDrive. Every call ends within its deadline, is made once, and returns an ``Answer``.

Nothing that the network does leaves a call as an exception. No redirect is followed, no proxy used but the one given,
nothing is ever sent again.
"""

import json
import logging
import re
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode

import certifi
from django.conf import settings
from django.utils.translation import gettext_noop as _
from urllib3 import BaseHTTPResponse, HTTPHeaderDict, PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError
from urllib3.util import make_headers, parse_url

from .. import meters
from ..deadline import FRESH, KEEPING, Deadline
from .credentials import AppSigning, Bearer, Credentials
from .exchange import MAX_ANSWER, Answer, Failure
from .rate import Rate, shared_rate
from .times import clock_difference

__all__ = ["MAX_ANSWER", "Answer", "Client", "Failure", "credentials_from_settings", "from_settings"]

log = logging.getLogger(__name__)

JOBS = "/koodrive/ose/v1/jobs"
CANCEL = "/koodrive/ose/v1/cancel"
# The task's id stands directly below v1, beside other interfaces: anything but digits would reach one of them.
TASK = "/koodrive/ose/v1/{}"
_TASK_ID = re.compile(r"[0-9]{1,19}")
_TRACE_ID = re.compile(r"[A-Za-z0-9_]{58}")
_CHUNK = 64 * 1024
_PATIENCE = 10.0  # seconds that a call other than create waits for its permit
# The handshake broke off, as any connection may; every other TLS error before the request is one of proof or settings.
_BROKEN_HANDSHAKE = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


_NO_PERMIT = Answer(
    None,
    HTTPHeaderDict(),
    b"",
    Failure.NOT_CONNECTED,
    "The portal calls KooDrive as often as it may already, so this was not asked; it is asked again later.",
)


class _TooLong(Exception):
    """The answer is longer than MAX_ANSWER."""


class Client:
    """Calls of one account at one address; threads may share it. Raises ValueError for settings that can't be used."""

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Credentials,
        connect_timeout: float,
        read_timeout: float,
        proxy: str = "",
        ca_file: str = "",
        language: str = "en-US",
        offset_base: int = 0,
        rate: Rate | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.offset_base = offset_base
        self.deadline = connect_timeout + read_timeout
        self._credentials = credentials
        self._timeout = Timeout(connect=connect_timeout, read=read_timeout)
        self._proxy = proxy
        self._language = language
        self._rate = rate
        self._tls = _tls_context(ca_file)
        self._reads = self._pool(KEEPING)
        # Each on a connection of its own: one that was kept may be dead already, which would leave the outcome unknown.
        self._writes = self._pool(FRESH)

    @property
    def credential_id(self) -> str:
        return self._credentials.id

    def create(self, body: Mapping[str, Any], *, trace_id: str, until: float | None = None) -> Answer:
        """Asks for a task; the caller has its permit. Nothing leaves after ``until``, by ``time.monotonic()``.

        Raises ValueError unless ``trace_id`` is 58 of ``A-Za-z0-9_``.
        """
        return self._post("create", JOBS, body, trace_id, until)

    def list_jobs(self, *, offset: int, limit: int, task_type: int | None = None, status: int | None = None) -> Answer:
        """A page of tasks. ``offset`` is KooDrive's own; its first page begins at ``offset_base``."""
        filters = {"type": task_type, "status": status}
        query = {"offset": offset, "limit": limit} | {key: value for key, value in filters.items() if value is not None}
        return self._get("list", f"{JOBS}?{urlencode(query)}")

    def job_detail(self, task_id: str) -> Answer:
        """One task with its files. Raises ValueError unless ``task_id`` is 1 to 19 digits."""
        return self._get("detail", TASK.format(_checked(task_id)))

    def cancel(self, task_id: str) -> Answer:
        """Asks KooDrive to stop a task that has not ended; only its detail then tells whether it did."""
        body = {"jobId": _checked(task_id)}
        return self._post("cancel", CANCEL, body, new_trace_id()) if self._may_call() else _NO_PERMIT

    def _get(self, kind: str, path: str) -> Answer:
        if not self._may_call():
            return _NO_PERMIT
        return _counted(kind, self._call(self._reads, "GET", path, b"", new_trace_id()))

    def _may_call(self) -> bool:
        return self._rate is None or self._rate.wait_to_read(_PATIENCE)

    def _post(self, kind: str, path: str, body: Mapping[str, Any], trace_id: str, until: float | None = None) -> Answer:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return _counted(kind, self._call(self._writes, "POST", path, content, trace_id, until))

    def _call(
        self, pool: PoolManager, method: str, path: str, body: bytes, trace_id: str, until: float | None = None
    ) -> Answer:
        url = self.base_url + path
        headers = self._headers(method, url, body, trace_id)
        started = time.monotonic()
        response: BaseHTTPResponse | None = None
        seconds = self.deadline if until is None else min(self.deadline, until - started)
        with Deadline(seconds) as deadline:
            try:
                response = self._open(pool, method, url, body, headers)
                answer = Answer(response.status, response.headers, _read(response))
                if deadline.reached:
                    raise TimeoutError("the data ended because the deadline shut the connection down")
            except Exception as error:  # Whatever broke, the caller has to learn whether the request left.
                failure, detail = self._failure(error, deadline, answered=response is not None)
                answer = Answer(None, HTTPHeaderDict(), b"", failure, detail)
            finally:
                if response:
                    response.close()
        return replace(answer, milliseconds=round((time.monotonic() - started) * 1000))

    def _headers(self, method: str, url: str, body: bytes, trace_id: str) -> dict[str, str]:
        if not _TRACE_ID.fullmatch(trace_id):
            raise ValueError("A trace id has exactly 58 characters of A-Z, a-z, 0-9 and _.")
        headers = {"Accept": "application/json", "language": self._language, "X-Traceid": trace_id}
        if body:
            headers["Content-Type"] = "application/json"
        return headers | self._credentials.headers(method, url, body, datetime.now(UTC))

    def _open(self, pool: PoolManager, method: str, url: str, body: bytes, headers: dict[str, str]) -> BaseHTTPResponse:
        return pool.urlopen(
            method,
            url,
            body=body or None,
            headers=headers,
            timeout=self._timeout,
            redirect=False,
            retries=False,
            preload_content=False,
        )

    def _failure(self, error: Exception, deadline: Deadline, *, answered: bool) -> tuple[Failure, str]:
        if not isinstance(error, HTTPError | OSError | _TooLong):
            log.error("a call to KooDrive broke in an unexpected way", exc_info=error)
        if not deadline.sent:
            return self._unsent(error, late=not deadline.left())
        if deadline.reached:
            return Failure.NO_ANSWER, f"KooDrive gave no whole answer within {self.deadline:g} seconds."
        if isinstance(error, ReadTimeoutError):
            return Failure.NO_ANSWER, f"KooDrive was silent for {self._timeout.read_timeout:g} seconds."
        if isinstance(error, _TooLong):
            return Failure.CUT_OFF, f"KooDrive's answer is longer than {MAX_ANSWER // 2**20} MiB and was not read."
        if answered:
            return Failure.CUT_OFF, "KooDrive's answer broke off before its end."
        return Failure.NO_ANSWER, "The connection broke after the request began to leave and before an answer came."

    def _unsent(self, error: Exception, *, late: bool) -> tuple[Failure, str]:
        causes = list(_causes(error))
        tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if tls and not isinstance(tls, _BROKEN_HANDSHAKE):
            why = getattr(tls, "verify_message", "") or tls.reason or _("no reason given")
            return Failure.CERTIFICATE, f"No trusted connection to KooDrive, so nothing was sent: {why}."
        through = _(" through the proxy") if self._proxy else ""
        return (
            Failure.NOT_CONNECTED,
            f"No connection to KooDrive{through}, so nothing was sent: {_why(causes, late=late)}.",
        )

    def _pool(self, classes: dict[str, Any]) -> PoolManager:
        if not self._proxy:
            pool = PoolManager(ssl_context=self._tls)
        else:
            parts = parse_url(self._proxy)
            if parts.scheme not in ("http", "https") or not parts.host:
                raise ValueError("KOODRIVE_PROXY must be an address such as http://host:3128.")
            login = make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
            pool = ProxyManager(self._proxy, proxy_headers=login, ssl_context=self._tls, proxy_ssl_context=self._tls)
        pool.pool_classes_by_scheme = classes
        return pool


def _counted(kind: str, answer: Answer) -> Answer:
    meters.count(meters.CALLS, kind, str(answer.status or answer.failure))
    meters.observe(meters.CALL_SECONDS, answer.milliseconds / 1000, kind)
    if (ahead := clock_difference(answer, now=datetime.now(UTC))) is not None:
        meters.note(meters.CLOCK, ahead.total_seconds(), "koodrive")
    return answer


def from_settings(*, token: str | None = None) -> Client:
    """The client that the settings describe, with ``token`` in place of KOODRIVE_TOKEN if one is given.

    Raises ValueError when they can't be used.
    """
    return Client(
        base_url=settings.KOODRIVE_BASE_URL,
        credentials=credentials_from_settings(token=token),
        connect_timeout=settings.KOODRIVE_CONNECT_TIMEOUT,
        read_timeout=settings.KOODRIVE_READ_TIMEOUT,
        proxy=settings.KOODRIVE_PROXY,
        ca_file=settings.KOODRIVE_CA_FILE,
        offset_base=settings.KOODRIVE_OFFSET_BASE,
        rate=shared_rate(),
    )


def new_trace_id() -> str:
    """58 random characters for KooDrive's log."""
    return secrets.token_hex(29)


def credentials_from_settings(*, token: str | None = None) -> Credentials:
    """What the client of ``from_settings`` signs in with; raises ValueError likewise."""
    user_id = settings.KOODRIVE_USER_ID
    if settings.KOODRIVE_AUTH == "app":
        return AppSigning(settings.KOODRIVE_APP_ID, settings.KOODRIVE_APP_SECRET, user_id)
    return Bearer(settings.KOODRIVE_TOKEN if token is None else token, settings.KOODRIVE_SCHEME, user_id)


def _tls_context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:
        raise ValueError(f"KOODRIVE_CA_FILE names {ca_file}, which holds no readable certificates.") from error


def _checked(task_id: str) -> str:
    if not _TASK_ID.fullmatch(task_id):
        raise ValueError("A task id is 1 to 19 digits.")
    return task_id


def _read(response: BaseHTTPResponse) -> bytes:
    content = bytearray()
    for chunk in response.stream(_CHUNK, decode_content=True):
        content += chunk
        if len(content) > MAX_ANSWER:
            raise _TooLong
    return bytes(content)


def _why(causes: list[BaseException], *, late: bool) -> str:
    """What kept a connection from being made, in a few words."""
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return _("its host name could not be looked up")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return _("it was refused")
    late = late or any(isinstance(cause, TimeoutError) for cause in causes)
    return _("it did not come about in time") if late else _("it failed")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
