"""Changes of keys: secrets at rest are encrypted anew, and nobody is thrown out or sent twice by a new secret key."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from django.utils import timezone

from jobs_app import encryption, rekeying, submissions
from jobs_app.actors import COMMAND_LINE
from jobs_app.errors import AuditUnavailable
from jobs_app.models import ArchivePassword, Callback, Credential, DownloadLink, Service, Submission, User
from tests.conftest import Api
from tests.doors import newest_event, without_the_trail
from tests.doors import operator_actor as acting
from tests.examples import body
from tests.following import browser_of
from tests.signing_in import code, enter, second_step, set_up_app, signed_in

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
NOT_ENCRYPTED = {("exportpart", "content")}  # parts of archives, which auditors load as they are


@pytest.fixture
def change_key(settings: Any) -> Callable[..., None]:
    def change(*keys: str) -> None:
        settings.FIELD_KEYS = list(keys)

    change(OLD)
    return change


@pytest.fixture
def kept(change_key: Any, operator: User) -> dict[str, Any]:
    """One secret of each kind, encrypted with the old key: how to read each, by the name of its column."""
    row = submissions.submit(body("extract", password="of the archive"), by=acting(operator))
    package = submissions.submit(body("package"), by=acting(operator))
    DownloadLink.objects.create(
        submission=package, ciphertext=encryption.encrypt("https://x/y"), expires_at=timezone.now() + timedelta(days=1)
    )
    Credential.objects.create(ciphertext=b"", fingerprint="0" * 16, origin="portal")
    Credential.objects.create(ciphertext=encryption.encrypt("bearer"), fingerprint="1" * 16, origin="portal")
    service = Service.objects.create(name="payroll")
    Callback.objects.create(
        service=service,
        url="https://hooks.example.com/",
        secret=encryption.encrypt("whsec_new"),
        former_secret=encryption.encrypt("whsec_old"),
        former_until=timezone.now(),
        position=0,
    )
    assert row.pk
    return {
        "of the archive": lambda: ArchivePassword.objects.get().ciphertext,
        "https://x/y": lambda: DownloadLink.objects.get().ciphertext,
        "bearer": lambda: Credential.objects.exclude(ciphertext=b"").get().ciphertext,
        "whsec_new": lambda: Callback.objects.get().secret,
        "whsec_old": lambda: Callback.objects.get().former_secret,
    }


def readable(kept: dict[str, Any]) -> set[str]:
    found = set()
    for secret, ciphertext in kept.items():
        try:
            assert encryption.decrypt(bytes(ciphertext())) == secret
        except ImproperlyConfigured:
            continue
        found.add(secret)
    return found


def rotate(capsys: Any) -> str:
    call_command("rotate_field_keys")
    return str(capsys.readouterr().out)


def test_after_the_rotation_the_old_key_can_be_dropped(kept: dict[str, Any], change_key: Any, capsys: Any) -> None:
    change_key(NEW, OLD)
    assert rotate(capsys).startswith("5 secrets encrypted anew (")
    change_key(NEW)
    assert readable(kept) == kept.keys()
    change_key(OLD)
    assert readable(kept) == set()
    told = newest_event("keys.rotated")
    assert (told["outcome"], sum(told["after"]["renewed"].values())) == ("ok", 5)
    assert not any(secret in str(told) for secret in (*kept, OLD, NEW))


def test_a_second_run_finds_nothing_left_to_do(kept: dict[str, Any], change_key: Any, capsys: Any) -> None:
    change_key(NEW, OLD)
    rotate(capsys)
    before = {secret: bytes(read()) for secret, read in kept.items()}
    assert rotate(capsys) == "0 secrets encrypted anew, 5 were already.\n"
    assert {secret: bytes(read()) for secret, read in kept.items()} == before


def test_a_rotation_that_was_interrupted_goes_on_where_it_was(
    kept: dict[str, Any], change_key: Any, capsys: Any
) -> None:
    change_key(NEW, OLD)
    Credential.objects.exclude(ciphertext=b"").update(ciphertext=encryption.encrypt("bearer"))
    Callback.objects.update(secret=encryption.encrypt("whsec_new"))
    assert readable(kept) == kept.keys()
    assert rotate(capsys).endswith("2 were already.\n")
    change_key(NEW)
    assert readable(kept) == kept.keys()


def test_what_no_key_fits_is_named_and_the_rest_is_done(kept: dict[str, Any], change_key: Any, capsys: Any) -> None:
    Credential.objects.exclude(ciphertext=b"").update(ciphertext=Fernet(Fernet.generate_key()).encrypt(b"x"))
    change_key(NEW, OLD)
    with pytest.raises(CommandError, match=r"fits 1 of them \(credential \d+\): add the older key"):
        call_command("rotate_field_keys")
    change_key(NEW)
    assert readable(kept) == kept.keys() - {"bearer"}
    assert newest_event("keys.rotated")["outcome"] == "failed"


def test_batches_reach_every_row(kept: dict[str, Any], change_key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        Credential.objects.create(ciphertext=encryption.encrypt("more"), fingerprint=f"{number:016}", origin="portal")
    monkeypatch.setattr(rekeying, "AT_ONCE", 2)
    change_key(NEW, OLD)
    assert rekeying.rotate(by=COMMAND_LINE).renewed["credential"] == 6


def test_second_factors_survive_the_change(operator: User, change_key: Any, capsys: Any) -> None:
    client = signed_in(operator)
    codes = set_up_app(client)
    change_key(NEW, OLD)
    assert rotate(capsys) == "2 secrets encrypted anew (second factor: 2), 0 were already.\n"
    change_key(NEW)
    again, _ = enter(operator)
    assert second_step(again, code(operator, 1)).url == "/"
    by_paper, _ = enter(operator)
    assert second_step(by_paper, codes[0]).url == "/"


def test_keys_that_are_none_change_nothing(kept: dict[str, Any], change_key: Any) -> None:
    change_key("none", OLD)
    with pytest.raises(CommandError, match="PORTAL_FIELD_KEYS holds something that is no Fernet key"):
        call_command("rotate_field_keys")
    change_key(OLD)
    assert readable(kept) == kept.keys()


def test_without_the_trail_the_rotation_says_so(kept: dict[str, Any], change_key: Any) -> None:
    change_key(NEW, OLD)
    with without_the_trail(), pytest.raises(AuditUnavailable):
        rekeying.rotate(by=COMMAND_LINE)


def test_no_encrypted_column_is_forgotten() -> None:
    columns = {
        (model._meta.model_name, each.name)
        for model in apps.get_app_config("jobs_app").get_models()
        for each in model._meta.get_fields()
        if isinstance(each, BinaryField)
    }
    listed = {(model._meta.model_name, name) for model, name in rekeying.ENCRYPTED}
    assert columns - NOT_ENCRYPTED == listed


# --- The secret key --------------------------------------------------------------------------------------------------
@pytest.fixture
def change_secret(settings: Any) -> Callable[..., None]:
    def change(*keys: str) -> None:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = keys[0], list(keys[1:])

    change("old" * 20)
    return change


@pytest.mark.parametrize(("keys", "status"), [(["new" * 20, "old" * 20], 200), (["new" * 20], 302)])
def test_a_session_survives_as_long_as_the_old_key_is_a_fallback(
    change_secret: Any, operator: User, keys: list[str], status: int
) -> None:
    browser = browser_of(operator)
    change_secret(*keys)
    assert browser.get("/").status_code == status


@pytest.mark.parametrize(("keys", "status"), [(["new" * 20, "old" * 20], 200), (["new" * 20], 422)])
def test_a_repeated_call_is_known_by_the_old_key_too(
    change_secret: Any, service: Api, keys: list[str], status: int
) -> None:
    first = service.post("submissions/", body("copy"), **{"Idempotency-Key": "one"})
    change_secret(*keys)
    again = service.post("submissions/", body("copy"), **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, status)
    assert Submission.objects.count() == 1
