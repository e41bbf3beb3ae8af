"""Seals close ranges without missing anybody, and what was sealed can't be changed unseen."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections, transaction

from jobs_app import audit
from jobs_app.actors import COMMAND_LINE
from jobs_app.audit import Action, anchors, export, keys, seal, verifier, verify
from jobs_app.audit.verifier import Broken

pytestmark = pytest.mark.usefixtures("empty_trail")


def all_seals() -> list[verifier.Seal]:
    return list(export.seals(export.newest_seal()))


def happen(count: int = 1) -> None:
    for number in range(count):
        audit.record(Action.SESSION_STARTED, by=COMMAND_LINE, number=number, text='quoted "text" \\ and 中文\n')


def test_seals_link_up_and_the_whole_is_whole(key: Ed25519PrivateKey) -> None:
    happen(3)
    assert seal.seal_all(key) == 1
    happen(2)
    assert seal.seal_all(key) == 1
    assert seal.seal_all(key) == 0
    happen()
    report = verify.live(by=COMMAND_LINE)
    assert (report.seals, report.events, report.unsealed) == (2, 6, 1)


def test_a_long_range_takes_several_seals(key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "LARGEST", 4)
    happen(10)
    assert seal.seal_all(key) == 3
    assert verify.live(by=COMMAND_LINE).unsealed == 0


def test_without_events_a_heartbeat_is_sealed_every_hour(
    key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen()
    seal.seal_all(key)
    monkeypatch.setattr(seal, "HEARTBEAT", seal.timedelta(0))
    assert seal.seal_next(key) == 0
    assert [(each.count, each.after == each.upto) for each in all_seals()] == [(1, False), (0, True)]


def test_two_sealers_at_once_make_one_chain(key: Ed25519PrivateKey) -> None:
    happen(50)

    def work(_: int) -> int:
        try:
            return seal.seal_all(key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1
    assert verify.live(by=COMMAND_LINE).seals == 1


def test_no_event_of_concurrent_writers_is_missed(key: Ed25519PrivateKey) -> None:
    ending = threading.Event()
    slowest: list[float] = []

    def write(number: int) -> int:
        written = 0
        try:
            while not ending.is_set():
                began = time.monotonic()
                try:
                    with transaction.atomic():
                        happen()
                        slowest.append(time.monotonic() - began)
                        time.sleep(0.003 * (number % 3))
                        if written % 10 == number:
                            raise DatabaseError
                    written += 1
                except DatabaseError:
                    written += 0
        finally:
            connections.close_all()
        return written

    with ThreadPoolExecutor(12) as pool:
        writers = [pool.submit(write, number) for number in range(12)]
        end = time.monotonic() + 3
        try:
            while time.monotonic() < end:
                with suppress(seal.WritersBusyError):
                    seal.seal_all(key)
                time.sleep(0.02)
        finally:
            ending.set()
        written = sum(writer.result() for writer in writers)
    seal.seal_all(key)
    report = verify.live(by=COMMAND_LINE)
    assert (report.events, report.unsealed) == (written, 0)
    assert sum(each.count for each in all_seals()) == written
    assert report.seals > 5


def test_a_writer_that_keeps_the_lock_is_no_silence_of_the_trail(key: Ed25519PrivateKey) -> None:
    happen()
    with transaction.atomic():
        happen()
        with pytest.raises(seal.WritersBusyError):
            seal.seal_all(key)
    assert seal.seal_all(key) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit.seal VALUES (99, 0, 0, 0, 'x', 'y', 'z')",
        "UPDATE audit.seal SET count = 0",
        "DELETE FROM audit.seal",
        "TRUNCATE audit.seal",
        "UPDATE audit.anchored SET n = 0",
        "DELETE FROM audit.instance",
    ],
)
def test_the_application_can_neither_seal_nor_unseal(key: Ed25519PrivateKey, statement: str) -> None:
    happen()
    seal.seal_all(key)
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


# --- Keys and anchors ------------------------------------------------------------------------------------------------
def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_new_key_takes_over_and_the_old_seals_stay_good(settings: Any) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    settings.AUDIT_PUBLIC_KEYS = [keys.raw(second).hex(), keys.raw(first).hex()]
    happen()
    seal.seal_all(first)
    happen()
    seal.seal_all(second)
    assert verify.live(by=COMMAND_LINE).seals == 2
    settings.AUDIT_PUBLIC_KEYS = [keys.raw(second).hex()]
    with pytest.raises(Broken, match="none of those given"):
        verify.live(by=COMMAND_LINE)


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----"])
def test_a_key_that_can_not_sign_is_refused_in_words(settings: Any, text: str) -> None:
    settings.AUDIT_KEY = text
    with pytest.raises(ImproperlyConfigured, match="PORTAL_AUDIT_KEY"):
        keys.private()


def test_a_key_that_nobody_would_know_is_refused(settings: Any) -> None:
    settings.AUDIT_KEY = pem(Ed25519PrivateKey.generate())
    settings.AUDIT_PUBLIC_KEYS = [keys.raw(Ed25519PrivateKey.generate()).hex()]
    with pytest.raises(ImproperlyConfigured, match="lacks the key"):
        keys.private()


def test_a_place_that_can_not_be_reached_gets_everything_later(key: Ed25519PrivateKey, tmp_path: Path) -> None:
    barrier, place = tmp_path / "here", tmp_path / "here" / "anchors.txt"
    barrier.write_text("a file where a folder should be")
    happen()
    seal.seal_all(key)
    destination = f"file:{place}"
    assert "can't be reached" in anchors.publish([destination])[destination]
    assert anchors.behind([destination]) == [destination]
    barrier.unlink()
    happen()
    seal.seal_all(key)
    assert anchors.publish([destination]) == {}
    assert anchors.behind([destination]) == []
    assert [line.split()[0] for line in place.read_text().splitlines()] == ["1", "2"]


@pytest.mark.parametrize("destination", ["ftp://host/x", "anchors.txt", "https:"])
def test_an_address_of_another_kind_is_refused(destination: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_AUDIT_ANCHORS"):
        anchors.check([destination])
