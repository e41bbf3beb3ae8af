"""Every setting of the portal. The environment is read here, through env.py, and nowhere else."""

import hashlib
import logging
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from celery.schedules import crontab, schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from jobs_app.actors import Role

from . import __version__, demo, env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

PORTAL_ENV = env.choice("PORTAL_ENV", ("demo", "production"), "demo")
IS_DEMO = PORTAL_ENV == "demo"
PORTAL_VERSION = __version__
DATA_DIR = Path(env.text("PORTAL_DATA_DIR", str(BASE_DIR / ".portal"))).resolve()


def _required(name: str, *, demo_value: str = "") -> str:
    """The secret ``name``; a demo makes its own, a production start without it is refused."""
    value = env.secret(name)
    if not value and not IS_DEMO:
        raise ImproperlyConfigured(f"{name} is not set; production starts with no generated secret. See .env.example.")
    return value or demo_value


_demo = demo.load(DATA_DIR) if IS_DEMO else demo.NOTHING

# --- Where the portal is ---------------------------------------------------------------------------------------------
PORTAL_HOST = env.text("PORTAL_HOST", "127.0.0.1")
PORTAL_PORT = env.integer("PORTAL_PORT", 8000, least=1)
if IS_DEMO and not env.is_loopback(PORTAL_HOST):
    raise ImproperlyConfigured(
        f"PORTAL_HOST is {PORTAL_HOST}, but a demo listens on this machine only: "
        "use 127.0.0.1, or PORTAL_ENV=production."
    )
PORTAL_BASE_URL = env.web_address("PORTAL_BASE_URL", env.text("PORTAL_BASE_URL", f"http://127.0.0.1:{PORTAL_PORT}"))
_base = urlsplit(PORTAL_BASE_URL)
_https = _base.scheme == "https"
# How many requests a web process answers at the same time; granian is started with it.
WEB_THREADS = env.integer("WEB_THREADS", 4, least=1)
ALLOWED_HOSTS = env.items("PORTAL_ALLOWED_HOSTS")
if not ALLOWED_HOSTS and not IS_DEMO:
    raise ImproperlyConfigured("PORTAL_ALLOWED_HOSTS is not set; name the host names people use, comma separated.")
ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]
PORTAL_PROXIES = env.integer("PORTAL_PROXIES", 0)

SECRET_KEY = _required("PORTAL_SECRET_KEY", demo_value=_demo.secret_key)
# Older ones, by which sessions and repeated calls from before a change of the key are still known.
SECRET_KEY_FALLBACKS = env.items("PORTAL_SECRET_KEY_FALLBACKS")
FIELD_KEYS = env.items("PORTAL_FIELD_KEYS") or [_required("PORTAL_FIELD_KEYS", demo_value=_demo.field_key)]
# The sealer's private key: in production, whoever serves or sends must not even be able to read it.
AUDIT_KEY_IS_HERE = bool(env.secret("PORTAL_AUDIT_KEY"))
AUDIT_KEY = env.secret("PORTAL_AUDIT_KEY", _demo.audit_key)
AUDIT_PUBLIC_KEYS = env.items("PORTAL_AUDIT_PUBLIC_KEYS")
# Beside the data, where it proves nothing to others: what there is until another place is named.
OWN_ANCHOR = f"file:{DATA_DIR / 'anchors.txt'}"
AUDIT_ANCHORS = env.items("PORTAL_AUDIT_ANCHORS") or [OWN_ANCHOR]
DEBUG = False

# --- The application -------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "jobs_app",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "jobs_app.middleware.request_id",
    "jobs_app.middleware.measured",
    "jobs_app.middleware.quota_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jobs_app.middleware.hardened",
    "csp.middleware.CSPMiddleware",
    "jobs_app.middleware.known_methods",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "jobs_app.middleware.language_and_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "jobs_app.middleware.session_limits",
    "jobs_app.middleware.sign_in_required",
    "jobs_app.middleware.second_factor_required",
    "jobs_app.web.errors.PortalErrors",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs_app.web.context.portal",
            ],
        },
    }
]
LANGUAGE_CODE = "en"
# Each by its own name; catalogues are in locale/.
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
# A demo serves the files where they lie; production collects them once, when its image is built.
STATIC_ROOT = None if IS_DEMO else BASE_DIR / "staticfiles"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = IS_DEMO
WHITENOISE_AUTOREFRESH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

# --- People ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "jobs_app.User"
AUTHENTICATION_BACKENDS = ["jobs_app.backends.PresentPeople"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # passwords from before Argon2, until their next sign-in
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "jobs_app.passwords.NotGuessable"},
]
# How long the link lives by which somebody sets a password after an administrator's reset.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
MFA_REQUIRED = env.choice("PORTAL_MFA", ("required", "off"), "off" if IS_DEMO else "required") == "required"

# django-allauth; attempts.py throttles in place of its own limits.
ACCOUNT_ADAPTER = "jobs_app.web.accounts.Accounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {"login": "jobs_app.web.sign_in_forms.SignInForm"}
MFA_ADAPTER = "jobs_app.web.accounts.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "jobs_app.web.sign_in_forms.CodeForm",
    "reauthenticate": "jobs_app.web.sign_in_forms.CodeAgainForm",
    "authenticate_webauthn": "jobs_app.web.sign_in_forms.PasskeyForm",
    "reauthenticate_webauthn": "jobs_app.web.sign_in_forms.PasskeyAgainForm",
}
MFA_RATE_LIMITS = False
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "KooDrive batch portal"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"

# Single sign-on; without an issuer there is none. Who somebody is hangs on the issuer and its subject alone.
OIDC_ISSUER = env.text("PORTAL_OIDC_ISSUER")
if OIDC_ISSUER:
    OIDC_ISSUER = env.web_address("PORTAL_OIDC_ISSUER", OIDC_ISSUER)
OIDC_PROVIDER = f"oidc-{hashlib.sha256(OIDC_ISSUER.encode()).hexdigest()[:16]}"
OIDC_NAME = env.text("PORTAL_OIDC_NAME", "your organisation")
OIDC_GROUPS_CLAIM = env.text("PORTAL_OIDC_GROUPS_CLAIM", "groups")
# The others take two administrators of the portal, so a group can't give them.
OIDC_ROLES = env.roles("PORTAL_OIDC_ROLES", (Role.OPERATOR, Role.AUDITOR))
_oidc = {
    "name": OIDC_NAME,
    "provider_id": OIDC_PROVIDER,
    "client_id": env.text("PORTAL_OIDC_CLIENT_ID"),
    "secret": env.secret("PORTAL_OIDC_CLIENT_SECRET"),
    "settings": {"server_url": OIDC_ISSUER, "scope": env.text("PORTAL_OIDC_SCOPES", "openid profile email").split()},
}
if OIDC_ISSUER and not (_oidc["client_id"] and _oidc["secret"]):
    raise ImproperlyConfigured(
        "PORTAL_OIDC_ISSUER is set, but not both of PORTAL_OIDC_CLIENT_ID and PORTAL_OIDC_CLIENT_SECRET; "
        "the identity provider gave them when the portal was registered there."
    )
SOCIALACCOUNT_ADAPTER = "jobs_app.web.sso.SingleSignOn"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [_oidc] if OIDC_ISSUER else []}}
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
# Which codes were used, shared by all web processes and kept where Redis can't lose it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "jobs_app_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
DEMO_PASSWORD = env.secret("PORTAL_DEMO_PASSWORD") or _demo.password
DEMO_TOKEN = env.secret("PORTAL_DEMO_TOKEN") or _demo.token

# Behind the session, not in a cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_NAME = "__Host-session" if _https else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
DEVICE_COOKIE_NAME = "__Host-device" if _https else "device"
LANGUAGE_COOKIE_NAME = "__Host-language" if _https else "language"
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY = _https, True
LANGUAGE_COOKIE_SAMESITE: Literal["Lax"] = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
SESSION_COOKIE_AGE = 12 * 60 * 60
# The proxy that ends TLS redirects to it; health checks reach the portal itself by plain http.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = ["security.W008"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PORTAL_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "jobs_app.web.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000


# --- PostgreSQL ------------------------------------------------------------------------------------------------------
# A host that falls silent, and refuses nothing, would hold whoever waits for it for a quarter of an hour or longer. In
# seconds, but for the last one; what stands behind an address (libpq's parameters) comes first.
_SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def _database(role: str, *names: str) -> dict[str, Any]:
    """The database at the first of the addresses ``names`` that is set, else the embedded server's, as ``role``."""
    url = next(filter(None, map(env.secret, names)), "")
    if not url and not IS_DEMO:
        raise ImproperlyConfigured("DATABASE_URL is not set; production brings its own PostgreSQL. See .env.example.")
    # PostgreSQL plans a statement once that psycopg's own cursor has run so often; Django's cursor prepares none.
    prepares = {"prepare_threshold": 5}
    common: dict[str, Any] = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
    if not url:
        demo_name = {"ENGINE": "portal.embedded_database", "NAME": "portal", "USER": f"portal_{role}"}
        return {**demo_name, "OPTIONS": prepares, **common}
    try:
        options = conninfo_to_dict(url)
    except Exception as error:
        raise ImproperlyConfigured(
            f"{names[0]} is not an address such as postgresql://user:password@host/name."
        ) from error
    keys = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    known = {key: str(options.pop(field, "") or "") for key, field in keys.items()}
    return {"ENGINE": "django.db.backends.postgresql", **known, "OPTIONS": _SILENCE | options | prepares, **common}


DATABASES = {
    "default": _database("app", "DATABASE_URL"),
    # Migrates and grants; the application never connects as this one.
    "owner": _database("owner", "DATABASE_OWNER_URL", "DATABASE_URL"),
    "sealer": _database("sealer", "DATABASE_SEALER_URL", "DATABASE_URL"),
}

# --- Mail ------------------------------------------------------------------------------------------------------------
_mail = env.secret("PORTAL_MAIL_URL", f"file:{DATA_DIR / 'mail'}" if IS_DEMO else "")
HAS_MAIL = bool(_mail)
if HAS_MAIL:
    globals().update(env.mail("PORTAL_MAIL_URL", _mail))
elif any(each.startswith("mailto:") for each in AUDIT_ANCHORS):
    raise ImproperlyConfigured("PORTAL_AUDIT_ANCHORS holds a mailto: address, but PORTAL_MAIL_URL is not set.")
DEFAULT_FROM_EMAIL = f"koodrive-portal@{_base.hostname}"

# --- Celery ----------------------------------------------------------------------------------------------------------
POLL_SECONDS = env.number("PORTAL_POLL_SECONDS", 5)
SWEEP_SECONDS = env.number("PORTAL_SWEEP_SECONDS", 10)
SEAL_SECONDS = env.number("PORTAL_SEAL_SECONDS", 60)
REDIS_URL = env.secret("REDIS_URL", _demo.redis_url)
if not REDIS_URL and not IS_DEMO:
    raise ImproperlyConfigured("REDIS_URL is not set; production brings its own Redis or Valkey. See .env.example.")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 1}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8.0
CELERY_TIMEZONE = "UTC"
# An overdue beat message says nothing that the next one doesn't say, so it may expire.
CELERY_BEAT_SCHEDULE = {
    name: {"task": f"jobs_app.tasks.{name}", "schedule": schedule(seconds), "options": {"expires": max(seconds, 1)}}
    for name, seconds in {
        "sweep": SWEEP_SECONDS,
        "poll": POLL_SECONDS,
        "deliver": POLL_SECONDS,
        "notify": POLL_SECONDS,
        "watch": 60.0,
        "count": 60.0,
        "settle": SWEEP_SECONDS,
        "keep_alive": 300.0,
        "make_partitions": 3600.0,
    }.items()
}
CELERY_BEAT_SCHEDULE |= {
    name: {"task": f"jobs_app.tasks.{name}", "schedule": crontab(hour=hour, minute="17")}
    for name, hour in {
        "verify_trail": "2",
        "compare_tasks": "3",
    }.items()
}

# --- KooDrive --------------------------------------------------------------------------------------------------------
KOODRIVE_BASE_URL = env.text("KOODRIVE_BASE_URL", _demo.sandbox_url)
if not KOODRIVE_BASE_URL:
    raise ImproperlyConfigured("KOODRIVE_BASE_URL is not set; name KooDrive's address, such as https://host.")
KOODRIVE_BASE_URL = env.web_address("KOODRIVE_BASE_URL", KOODRIVE_BASE_URL)
_koodrive = urlsplit(KOODRIVE_BASE_URL)
if IS_DEMO and not env.is_loopback(_koodrive.hostname):
    raise ImproperlyConfigured(
        f"KOODRIVE_BASE_URL names {_koodrive.hostname}, but a demo must not touch real files: "
        "use the sandbox, or PORTAL_ENV=production."
    )
if (_koodrive.hostname, _koodrive.port) in {(_base.hostname, _base.port), (PORTAL_HOST, PORTAL_PORT)}:
    raise ImproperlyConfigured("KOODRIVE_BASE_URL is the portal's own address; name KooDrive's.")
KOODRIVE_AUTH = env.choice("KOODRIVE_AUTH", ("bearer", "app"), "bearer")
KOODRIVE_TOKEN = env.secret("KOODRIVE_TOKEN", _demo.koodrive_token)
KOODRIVE_APP_ID = env.text("KOODRIVE_APP_ID")
KOODRIVE_APP_SECRET = env.secret("KOODRIVE_APP_SECRET")
KOODRIVE_USER_ID = env.text("KOODRIVE_USER_ID")
# Not stripped: whether a space stands behind the scheme word is one of the vendor's unknowns.
KOODRIVE_SCHEME = env.raw("KOODRIVE_SCHEME", "Bearer ")
KOODRIVE_OFFSET_BASE = env.integer("KOODRIVE_OFFSET_BASE", 0)
KOODRIVE_TIME_ZONE = env.text("KOODRIVE_TIME_ZONE", "Asia/Shanghai")
KOODRIVE_CONNECT_TIMEOUT = env.number("KOODRIVE_CONNECT_TIMEOUT", 3)
KOODRIVE_READ_TIMEOUT = env.number("KOODRIVE_READ_TIMEOUT", 30)
KOODRIVE_PROXY = env.secret("KOODRIVE_PROXY")
KOODRIVE_CA_FILE = env.text("KOODRIVE_CA_FILE")
KOODRIVE_RATE = env.rate("KOODRIVE_RATE", "20/s")
KOODRIVE_MAX_FILES = env.integer("KOODRIVE_MAX_FILES", 1000, least=1)
KOODRIVE_PACKAGE_DAYS = env.integer("KOODRIVE_PACKAGE_DAYS", 7, least=1)

# --- What people are told --------------------------------------------------------------------------------------------
# Where KooDrive processes the content of archives and packages.
DATA_NOTICE = env.text("PORTAL_DATA_NOTICE")

# --- Callbacks -------------------------------------------------------------------------------------------------------
# Receivers that may have inner addresses.
CALLBACK_HOSTS, CALLBACK_NETWORKS = env.receivers("PORTAL_CALLBACK_ALLOW")
CALLBACK_CA_FILE = env.text("PORTAL_CALLBACK_CA_FILE")

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobs_app.api.authentication.ServiceTokenAuthentication",
        "jobs_app.api.authentication.PersonSessionAuthentication",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["jobs_app.api.throttling.TokenThrottle"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["jobs_app.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "jobs_app.api.problems.handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "KooDrive batch portal",
    "DESCRIPTION": "Batch tasks over many files: submitted once, approved where needed, followed to their end.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["jobs_app.api.components.complete"],
}

# --- What is seen from outside ---------------------------------------------------------------------------------------
METRICS_TOKEN = env.secret("PORTAL_METRICS_TOKEN")
LOG_FORMAT = env.choice("PORTAL_LOG_FORMAT", ("json", "text"), "text" if IS_DEMO else "json")
logging.captureWarnings(LOG_FORMAT == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": logs.Words, "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": logs.Objects},
        "bare": {"format": "%(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "events": {"class": "logging.StreamHandler", "formatter": "bare"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # The trail's second copy, which leaves the machine with the log; whoever collects it reads JSON alone.
        logs.EVENTS: {"handlers": ["events"], "level": "INFO", "propagate": False},
        # A line for each request and each call that sends: for machines to search, too many for a terminal.
        "jobs_app.traffic": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
        # Its "Bad Request" and "Not Found" lines say less than the line of the request.
        "django.request": {"level": "ERROR"},
        # The sweep and the poll run every few seconds; only what they do is worth a line.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
