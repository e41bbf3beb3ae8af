"""Refuses a careless production before it serves or sends; ``manage.py check --database default`` asks it too."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from . import encryption
from .audit import keys

_RIGHTS = """
SELECT rolsuper,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit' AND pg_has_role(current_user, nspowner, 'MEMBER')),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit')
FROM pg_roles WHERE rolname = current_user
"""


_LEAST_CHARACTERS, _LEAST_DIFFERENT = 50, 5


@register(Tags.security)
def production(**kwargs: Any) -> list[CheckMessage]:
    """What must be true of the settings of a production."""
    return [] if settings.IS_DEMO else [Error(detail, id=id_) for id_, detail in _careless()]


def _careless() -> Iterator[tuple[str, str]]:
    if not settings.PORTAL_BASE_URL.startswith("https://"):
        yield "portal.E003", "PORTAL_BASE_URL must begin with https:// in production, or cookies would travel in clear."
    keys_given = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if any(len(key) < _LEAST_CHARACTERS or len(set(key)) < _LEAST_DIFFERENT for key in keys_given):
        yield "portal.E004", f"PORTAL_SECRET_KEY is weak; use {_LEAST_CHARACTERS} random characters or more."
    if "*" in settings.ALLOWED_HOSTS:
        yield "portal.E005", "PORTAL_ALLOWED_HOSTS must name the hosts that people use, and not allow all by *."
    if settings.DEMO_PASSWORD or settings.DEMO_TOKEN:
        yield "portal.E006", "PORTAL_DEMO_PASSWORD and PORTAL_DEMO_TOKEN are for a demo; production has no demo people."
    for id_, check in (("portal.E007", encryption.require_keys), ("portal.E008", keys.public)):
        try:
            check()
        except ImproperlyConfigured as error:
            yield id_, str(error)
    if settings.DEBUG:
        yield "portal.E009", "DEBUG is on, so pages would show the portal's insides to anybody."


@register(Tags.database)
def database_role(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The application's role must be neither a superuser nor the owner of the audit trail."""
    if settings.IS_DEMO or "default" not in (databases or []):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS)
        is_superuser, owns_audit, is_migrated = cursor.fetchone()
    if not is_migrated:
        return [
            Error("The database isn't migrated; run `manage.py migrate` with DATABASE_OWNER_URL set.", id="portal.E001")
        ]
    if is_superuser or owns_audit:
        why = "is a superuser" if is_superuser else "owns the audit trail"
        detail = f"The role of DATABASE_URL {why}, so it could change what was recorded; use one that may not."
        return [Error(detail, id="portal.E002")]
    return []


def refuse_a_careless_start() -> None:
    """Raises ImproperlyConfigured when a production web server or worker must not start."""
    if settings.IS_DEMO:
        return
    if settings.AUDIT_KEY_IS_HERE:
        raise ImproperlyConfigured(
            "PORTAL_AUDIT_KEY is set here; only the sealer may hold it, not the web or a worker."
        )
    for message in [*production(), *database_role(["default"])]:
        raise ImproperlyConfigured(str(message.msg))
