"""How a person wants the portal: theme, language and time zone. It is theirs alone, so the trail says nothing of it."""

from django.conf import settings

from . import moments
from .errors import Invalid, Problem
from .models import User


def choose(person: User, *, theme: str, language: str, time_zone: str) -> None:
    """Stores what the person chose: an empty theme is the system's, an empty language the browser's.

    Raises ``Invalid`` for what can't be chosen.
    """
    problems = []
    if theme not in ("", *User.Theme.values):
        problems.append(Problem("/theme", "unknown_value", "Choose light, dark, or as the system has it."))
    if language not in ("", *dict(settings.LANGUAGES)):
        problems.append(Problem("/language", "unknown_value", "Choose one of the languages, or the browser's."))
    if moments.zone(time_zone) is None:
        detail = "Choose a time zone by its name, such as UTC, Europe/Berlin or Asia/Shanghai."
        problems.append(Problem("/time_zone", "unknown_value", detail))
    if problems:
        raise Invalid(problems)
    person.theme, person.language, person.time_zone = theme, language, time_zone
    person.save(update_fields=["theme", "language", "time_zone"])
