"""Services and tokens for tests, made as an administrator makes them."""

from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from jobs_app import services, tokens
from jobs_app.actors import COMMAND_LINE, SUBMISSION_SCOPES, Role
from jobs_app.models import ApiToken, Service, User
from jobs_app.token_limits import Limits
from tests.conftest import make_person

REASON = "CHG-7 tokens"


def make_service(name: str = "billing", *, owner: User | None = None, **values: str) -> Service:
    person = owner or User.objects.filter(username="owen").first() or make_person("owen", Role.OPERATOR)
    given = {"name": name, "owner": person.get_username(), **values}
    return services.create(given, reason=REASON, by=COMMAND_LINE)


def make_token(
    service: Service | None = None, *, days: int = 90, scopes: Any = SUBMISSION_SCOPES, **limits: Any
) -> tuple[ApiToken, str]:
    """The token and its secret."""
    to = service or Service.objects.filter(name="billing").first() or make_service()
    return tokens.make(to, scopes=scopes, days=days, limits=Limits(**limits), reason=REASON, by=COMMAND_LINE)


def past_the_rights(token: ApiToken, **columns: Any) -> None:
    """Sets columns that the application may not change, as only the owner of the table can."""
    assignments = ", ".join(f"{name} = %s" for name in columns)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"UPDATE jobs_app_apitoken SET {assignments} WHERE id = %s", [*columns.values(), token.pk])


def ends_in(token: ApiToken, left: timedelta) -> None:
    past_the_rights(token, expires_at=timezone.now() + left)
