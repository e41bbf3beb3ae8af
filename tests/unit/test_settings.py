"""A start that could do harm, or that lacks something, is refused in one sentence that names the variable."""

import os
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

import portal

ROOT = Path(__file__).parents[2]

PRODUCTION = {
    "PORTAL_ENV": "production",
    "PORTAL_BASE_URL": "https://portal.example.com",
    "PORTAL_ALLOWED_HOSTS": "portal.example.com",
    "PORTAL_SECRET_KEY": "s" * 50,
    "PORTAL_FIELD_KEYS": "k" * 44,
    "DATABASE_URL": "postgresql://portal_app:p%40ss@db:5432/portal?sslmode=verify-full",
    "REDIS_URL": "redis://broker:6379/0",
    "KOODRIVE_BASE_URL": "https://koodrive.example.com",
    "KOODRIVE_TOKEN": "a token",
}

SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Loads the settings with exactly these variables."""

    def load_with(**variables: str) -> dict[str, Any]:
        for name in list(os.environ):
            if name.startswith(("PORTAL_", "KOODRIVE_", "DATABASE_", "REDIS_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("PORTAL_DATA_DIR", str(tmp_path / "data"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_module("portal.settings")

    return load_with


def test_a_demo_needs_nothing_and_makes_its_secrets_once(load: Any, tmp_path: Path) -> None:
    first, again = load(), load()
    assert first["SECRET_KEY"] == again["SECRET_KEY"]
    assert len(first["DEMO_PASSWORD"]) >= 12
    assert (tmp_path / "data" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert first["KOODRIVE_BASE_URL"].startswith("http://127.0.0.1:")


def test_production_with_everything_starts_and_makes_nothing(load: Any, tmp_path: Path) -> None:
    settings = load(**PRODUCTION)
    assert settings["DATABASES"]["default"] | {"CONN_MAX_AGE": 0} == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "portal",
        "USER": "portal_app",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5432",
        "OPTIONS": SILENCE | {"sslmode": "verify-full", "prepare_threshold": 5},
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
    chosen = load(**PRODUCTION | {"DATABASE_URL": f"{PRODUCTION['DATABASE_URL']}&connect_timeout=3"})
    assert chosen["DATABASES"]["default"]["OPTIONS"]["connect_timeout"] == "3"
    assert settings["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["SECURE_HSTS_SECONDS"] > 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "name", [name for name in PRODUCTION if name not in ("PORTAL_ENV", "PORTAL_BASE_URL", "KOODRIVE_TOKEN")]
)
def test_production_without_one_of_them_is_refused(load: Any, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        load(**{key: value for key, value in PRODUCTION.items() if key != name})


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"PORTAL_HOST": "0.0.0.0"}, "PORTAL_HOST"),
        ({"PORTAL_HOST": "192.168.1.5"}, "PORTAL_HOST"),
        ({"KOODRIVE_BASE_URL": "https://intl.example.com"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_BASE_URL": "https://127.0.0.1.example.com"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_BASE_URL": "http://127.0.0.1:8000"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_BASE_URL": "ftp://127.0.0.1"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_BASE_URL": "http://user:pass@127.0.0.1"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_BASE_URL": "http://127.0.0.1:port"}, "KOODRIVE_BASE_URL"),
        ({"KOODRIVE_AUTH": "magic"}, "KOODRIVE_AUTH"),
        ({"KOODRIVE_MAX_FILES": "0"}, "KOODRIVE_MAX_FILES"),
        ({"KOODRIVE_READ_TIMEOUT": "soon"}, "KOODRIVE_READ_TIMEOUT"),
        ({"KOODRIVE_READ_TIMEOUT": "nan"}, "KOODRIVE_READ_TIMEOUT"),
        ({"KOODRIVE_READ_TIMEOUT": "-1"}, "KOODRIVE_READ_TIMEOUT"),
        ({"PORTAL_ENV": "prod"}, "PORTAL_ENV"),
        ({"PORTAL_PORT": "http"}, "PORTAL_PORT"),
        ({"KOODRIVE_TOKEN": "a", "KOODRIVE_TOKEN_FILE": "/b"}, "KOODRIVE_TOKEN"),
        ({"KOODRIVE_TOKEN_FILE": "/nowhere"}, "KOODRIVE_TOKEN_FILE"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"PORTAL_MFA": "on"}, "PORTAL_MFA"),
        ({"PORTAL_OIDC_ISSUER": "http://id.example.com"}, "PORTAL_OIDC_ISSUER"),
        ({"PORTAL_OIDC_ROLES": "king=everybody"}, "PORTAL_OIDC_ROLES"),
        ({"PORTAL_OIDC_ROLES": "operator"}, "PORTAL_OIDC_ROLES"),
        ({"PORTAL_OIDC_ROLES": "approver=everybody"}, "PORTAL_OIDC_ROLES"),
        ({"PORTAL_OIDC_ROLES": "administrator=everybody"}, "PORTAL_OIDC_ROLES"),
        ({"PORTAL_CALLBACK_ALLOW": "10.1.2.3/24"}, "PORTAL_CALLBACK_ALLOW"),
        ({"PORTAL_CALLBACK_ALLOW": "10.1.2"}, "PORTAL_CALLBACK_ALLOW"),
        ({"PORTAL_CALLBACK_ALLOW": "https://hooks.example.com"}, "PORTAL_CALLBACK_ALLOW"),
    ],
    ids=str,
)
def test_what_could_do_harm_or_makes_no_sense_is_refused(load: Any, variables: dict[str, str], named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=named) as refused:
        load(**variables)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize("address", ["http://koodrive.example.com", "https://portal.example.com"])
def test_production_refuses_plain_http_and_its_own_address(load: Any, address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="KOODRIVE_BASE_URL"):
        load(**PRODUCTION | {"KOODRIVE_BASE_URL": address})


def test_a_second_factor_is_required_in_production_unless_it_is_decided_otherwise(load: Any) -> None:
    assert load(**PRODUCTION)["MFA_REQUIRED"]
    assert not load()["MFA_REQUIRED"]
    assert not load(**PRODUCTION, PORTAL_MFA="off")["MFA_REQUIRED"]
    assert load(PORTAL_MFA="required")["MFA_REQUIRED"]


OIDC = {
    "PORTAL_OIDC_ISSUER": "https://id.example.com/",
    "PORTAL_OIDC_CLIENT_ID": "portal",
    "PORTAL_OIDC_CLIENT_SECRET": "s",
}


def test_single_sign_on_hangs_on_the_issuer(load: Any) -> None:
    settings = load(**OIDC, PORTAL_OIDC_ROLES="operator=CN=operators,OU=portal; auditor = compliance;")
    assert settings["OIDC_ROLES"] == [("operator", "CN=operators,OU=portal"), ("auditor", "compliance")]
    [app] = settings["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert app["settings"]["server_url"] == "https://id.example.com"
    assert load(**OIDC | {"PORTAL_OIDC_ISSUER": "https://other.example"})["OIDC_PROVIDER"] != settings["OIDC_PROVIDER"]
    assert load()["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"] == []


@pytest.mark.parametrize("name", ["PORTAL_OIDC_CLIENT_ID", "PORTAL_OIDC_CLIENT_SECRET"])
def test_half_of_single_sign_on_is_refused(load: Any, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        load(**{key: value for key, value in OIDC.items() if key != name})


def test_inner_receivers_are_named_by_host_or_network(load: Any) -> None:
    settings = load(PORTAL_CALLBACK_ALLOW="Hooks.internal, 10.1.2.0/24, 127.0.0.1, ::1")
    assert settings["CALLBACK_HOSTS"] == {"hooks.internal"}
    assert [str(each) for each in settings["CALLBACK_NETWORKS"]] == ["10.1.2.0/24", "127.0.0.1/32", "::1/128"]
    assert not load()["CALLBACK_NETWORKS"]


def test_a_secret_may_come_from_a_file(load: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    assert load(KOODRIVE_TOKEN_FILE=str(tmp_path / "token"))["KOODRIVE_TOKEN"] == "from a file"


def test_a_damaged_data_folder_is_told_and_not_overwritten(load: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo.json").write_text("{")
    with pytest.raises(ImproperlyConfigured, match="damaged"):
        load()
    assert (tmp_path / "data" / "demo.json").read_text() == "{"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "smtp://me:p%40ss@mail.example.com",
            {"EMAIL_PORT": 587, "EMAIL_HOST_PASSWORD": "p@ss", "EMAIL_USE_TLS": True},
        ),
        ("smtps://mail.example.com:4650", {"EMAIL_PORT": 4650, "EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}),
        ("smtp://127.0.0.1:2525", {"EMAIL_PORT": 2525, "EMAIL_USE_SSL": False, "EMAIL_USE_TLS": False}),
        ("file:/var/mail/portal", {"EMAIL_FILE_PATH": "/var/mail/portal"}),
    ],
)
def test_where_mail_goes(load: Any, address: str, expected: dict[str, Any]) -> None:
    settings = load(**PRODUCTION, PORTAL_MAIL_URL=address)
    assert {name: settings[name] for name in expected} == expected
    assert settings["HAS_MAIL"]
    assert not load(**PRODUCTION)["HAS_MAIL"]


@pytest.mark.parametrize("address", ["mail.example.com", "http://mail", "smtp://", "smtp://me:secret@host:port"])
def test_a_mail_address_that_can_not_be_used_is_refused_without_naming_its_password(load: Any, address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_MAIL_URL must be") as error:
        load(**PRODUCTION, PORTAL_MAIL_URL=address)
    assert "secret" not in str(error.value)


def test_anchors_by_mail_need_a_way_to_send_it(load: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_MAIL_URL is not set"):
        load(**PRODUCTION, PORTAL_AUDIT_ANCHORS="mailto:audit@example.com")


def test_the_version_that_pages_show_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == portal.__version__
