"""Refuses a careless production before it serves or sends; ``manage.py check --database default`` asks it too."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

_RIGHTS = """
SELECT rolsuper,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit' AND pg_has_role(current_user, nspowner, 'MEMBER')),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = 'audit')
FROM pg_roles WHERE rolname = current_user
"""


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
    for message in database_role(["default"]):
        raise ImproperlyConfigured(str(message.msg))
