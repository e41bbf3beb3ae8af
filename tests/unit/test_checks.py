"""A careless production is refused in one sentence, which names what to mend and no secret."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from jobs_app import checks

GOOD: dict[str, Any] = {
    "IS_DEMO": False,
    "PORTAL_BASE_URL": "https://portal.example.com",
    "SECRET_KEY": "0123456789abcdef" * 4,
    "SECRET_KEY_FALLBACKS": [],
    "ALLOWED_HOSTS": ["portal.example.com"],
    "DEMO_PASSWORD": "",
    "DEMO_TOKEN": "",
    "FIELD_KEYS": [Fernet.generate_key().decode()],
    "AUDIT_PUBLIC_KEYS": ["ab" * 32],
    "AUDIT_KEY": "",
    "DEBUG": False,
}
CARELESS: dict[str, tuple[dict[str, Any], str]] = {
    "plain http": ({"PORTAL_BASE_URL": "http://127.0.0.1:8000"}, "PORTAL_BASE_URL"),
    "a short secret": ({"SECRET_KEY": "sh0rt-secret"}, "PORTAL_SECRET_KEY"),
    "a secret of one letter": ({"SECRET_KEY": "s" * 60}, "PORTAL_SECRET_KEY"),
    "a weak older secret": ({"SECRET_KEY_FALLBACKS": ["sh0rt-secret"]}, "PORTAL_SECRET_KEY"),
    "any host": ({"ALLOWED_HOSTS": ["portal.example.com", "*"]}, "PORTAL_ALLOWED_HOSTS"),
    "a demo's password": ({"DEMO_PASSWORD": "sh0rt-secret"}, "PORTAL_DEMO_PASSWORD"),
    "a demo's token": ({"DEMO_TOKEN": "sh0rt-secret"}, "PORTAL_DEMO_TOKEN"),
    "a bad field key": ({"FIELD_KEYS": ["sh0rt-secret"]}, "PORTAL_FIELD_KEYS"),
    "a bad older field key": ({"FIELD_KEYS": [*GOOD["FIELD_KEYS"], "sh0rt-secret"]}, "PORTAL_FIELD_KEYS"),
    "no public key": ({"AUDIT_PUBLIC_KEYS": []}, "PORTAL_AUDIT_PUBLIC_KEYS"),
    "a bad public key": ({"AUDIT_PUBLIC_KEYS": ["sh0rt-secret"]}, "PORTAL_AUDIT_PUBLIC_KEYS"),
    "debugging": ({"DEBUG": True}, "DEBUG"),
}


def found(settings: Any, **changes: Any) -> list[str]:
    for name, value in (GOOD | changes).items():
        setattr(settings, name, value)
    return [str(message.msg) for message in checks.production()]


def test_a_good_production_is_not_refused(settings: Any) -> None:
    assert found(settings) == []


@pytest.mark.parametrize("what", CARELESS)
def test_a_careless_one_is(settings: Any, what: str) -> None:
    changes, named = CARELESS[what]
    [said] = found(settings, **changes)
    assert named in said
    assert "sh0rt-secret" not in said
    assert "\n" not in said


def test_a_demo_may_be_all_of_that(settings: Any) -> None:
    everything = {name: value for changes, _ in CARELESS.values() for name, value in changes.items()}
    assert found(settings, **everything, IS_DEMO=True) == []
