"""One POST to a receiver that is well, down, slow, dripping, huge, redirecting, or not the one that it should be."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs_app.callbacks import addresses, posting
from jobs_app.callbacks.posting import Outcome
from tests.receiver import Receiver, certificates, dripping, held, huge, receiving, status

HOST = "hooks.example.com"


pytestmark = pytest.mark.usefixtures("loopback_allowed")


def post(receiver: Receiver, host: str = "") -> Outcome:
    url = receiver.url.replace("127.0.0.1", host) if host else receiver.url
    return posting.post(url, {"webhook-id": "msg_1"}, b'{"a":1}')


def resolving_to(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """The name server's answers, one look-up after another; the result collects the names that were asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        ips = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(addresses, "look_up", look_up)
    return asked


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_a_good_answer_counts_as_taken(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code)
    assert post(receiver) == Outcome(code)
    [got] = receiver.received
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hooks", b'{"a":1}', "msg_1")
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("code", [400, 401, 404, 409, 410, 429, 500, 503])
def test_any_other_answer_does_not(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code)
    outcome = post(receiver)
    assert (outcome.status, outcome.is_taken, outcome.is_gone) == (code, False, code == 410)
    assert str(code) in outcome.trouble


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code, Location=receiver.url + "/elsewhere")
    outcome = post(receiver)
    assert (outcome.status, outcome.is_taken) == (code, False)
    assert "redirects are not followed" in outcome.trouble
    assert len(receiver.received) == 1


def test_nobody_there(receiver: Receiver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        receiver.port = taken.getsockname()[1]
        outcome = post(receiver)
    assert outcome == Outcome(None, "No connection came about: it was refused.")


@pytest.mark.parametrize("trickling", [True, False])
def test_an_answer_that_takes_too_long_ends_in_time(
    receiver: Receiver, trickling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIME_LIMIT", 0.4)
    may_answer = threading.Event()
    receiver.answer = dripping if trickling else held(may_answer)
    began = time.monotonic()
    outcome = post(receiver)
    may_answer.set()
    assert time.monotonic() - began < 2
    assert (outcome.status, outcome.is_taken) == (None, False)
    assert "no whole answer within" in outcome.trouble


def test_of_a_huge_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.answer = huge
    began = time.monotonic()
    assert post(receiver) == Outcome(200)
    assert time.monotonic() - began < 5


def test_an_answer_that_is_no_http(receiver: Receiver) -> None:
    receiver.answer = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    outcome = post(receiver)
    assert (outcome.status, outcome.is_taken) == (None, False)


@pytest.mark.parametrize(
    ("wish", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("99999", 3600, 3600),
        ("9" * 40, 0, 0),
        ("-5", 0, 0),
        ("soon", 0, 0),
        (timedelta(minutes=20), 1000, 1200),
        (timedelta(days=2), 3600, 3600),
        (timedelta(days=-2), 0, 0),
    ],
    ids=["seconds", "none", "too many", "no number", "less than none", "a word", "a time", "a late one", "a past one"],
)
def test_what_a_busy_receiver_asks_for(receiver: Receiver, wish: str | timedelta, least: float, most: float) -> None:
    if isinstance(wish, timedelta):
        wish = format_datetime(datetime.now(UTC) + wish, usegmt=True)
    receiver.answer = status(429, Retry_After=wish)
    assert least <= post(receiver).retry_after <= most


def test_no_proxy_of_the_environment_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(receiver).is_taken


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_for_once(
    receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CALLBACK_NETWORKS = (ip_network("127.0.0.1/32"),)
    # The second look-up would lead to another machine: nobody must make it.
    asked = resolving_to(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    assert post(receiver, HOST).is_taken
    assert asked == [HOST]
    assert receiver.received[0].headers["host"] == f"{HOST}:{receiver.port}"
    # Asked anew at the next delivery, the name leads inside, and nothing is connected.
    outcome = post(receiver, HOST)
    assert (outcome.status, len(receiver.received)) == (None, 1)
    assert "PORTAL_CALLBACK_ALLOW" in outcome.trouble


def test_an_address_that_does_not_answer_is_passed_over(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    assert post(receiver, HOST).is_taken


def test_a_receiver_proves_its_name_to_those_who_trust_its_authority(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ca, certificate = certificates(tmp_path, HOST)
    resolving_to(monkeypatch, ["127.0.0.1"])
    with receiving(certificate) as receiver:
        assert "isn't trusted" in post(receiver, HOST).trouble
        settings.CALLBACK_CA_FILE = str(ca)
        assert post(receiver, HOST).is_taken
        assert "isn't trusted" in post(receiver, "other.example.com").trouble
        assert len(receiver.received) == 1


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_told_by_name(settings: Any, tmp_path: Path, content: str | None) -> None:
    settings.CALLBACK_CA_FILE = str(tmp_path / "ca.pem")
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ImproperlyConfigured, match="PORTAL_CALLBACK_CA_FILE"):
        posting.trusted()


def test_a_receiver_that_speaks_no_tls(receiver: Receiver) -> None:
    receiver.scheme = "https"
    outcome = post(receiver)
    assert (outcome.status, receiver.received) == (None, [])
    assert "agree on TLS" in outcome.trouble
