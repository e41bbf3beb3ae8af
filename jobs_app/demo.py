"""The people and the service of a demo: one person per role, named after it, and a service that may submit."""

from django.conf import settings

from . import people
from .actors import COMMAND_LINE, SUBMISSION_SCOPES, Role
from .models import ApiToken, User

SERVICE = "demo-service"
TOKEN_DAYS = 365


def make_demo() -> bool:
    """Makes whatever of them is missing; True when the people are new."""
    if not ApiToken.objects.of_secret(settings.DEMO_TOKEN).exists():
        people.create_token(
            SERVICE, scopes=SUBMISSION_SCOPES, days=TOKEN_DAYS, by=COMMAND_LINE, secret=settings.DEMO_TOKEN
        )
    if User.objects.exists():
        return False
    for role in Role:
        email = f"{role}@example.com"
        people.create_person(role, settings.DEMO_PASSWORD, roles=[role], email=email, by=COMMAND_LINE)
    return True
