"""How a person wants the portal: theme, language and time zone. It is theirs alone, so the trail says nothing of it."""

from django.conf import settings

from . import moments
from .errors import Invalid, Problem
from .models import User


def choose(person: User, *, theme: str, language: str, time_zone: str) -> None:
    """Stores what the person chose: an empty theme is the system's, an empty language the browser's.

    Raises ``Invalid`` for what can't be chosen.
    """
    problems: list[Problem] = []
    if theme not in ("", *User.Theme.values):
        problems.append(Problem("/theme", "unknown_value", "Choose light, dark, or as the system has it."))
    problems += _of_language(language)
    if moments.zone(time_zone) is None:
        detail = "Choose a time zone by its name, such as UTC, Europe/Berlin or Asia/Shanghai."
        problems.append(Problem("/time_zone", "unknown_value", detail))
    if problems:
        raise Invalid(problems)
    person.theme, person.language, person.time_zone = theme, language, time_zone
    person.save(update_fields=["theme", "language", "time_zone"])


def choose_language(person: User, language: str) -> None:
    """Stores the language alone. Raises ``Invalid`` for one that there is not."""
    if problems := _of_language(language):
        raise Invalid(problems)
    person.language = language
    person.save(update_fields=["language"])


def _of_language(language: str) -> list[Problem]:
    if language in ("", *dict(settings.LANGUAGES)):
        return []
    return [Problem("/language", "unknown_value", "Choose one of the languages, or the browser's.")]
