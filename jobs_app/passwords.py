"""Which passwords are too easy to guess: judged offline, by lists of leaked passwords, words, names and patterns."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

LONGEST = 1000
# Of five (0 to 4): more than a hundred million guesses, which Argon2 makes far too many.
_LEAST_SCORE = 3
# The estimate takes the square of the length; what comes after this many characters can only make it harder.
_LOOKED_AT = 64
_OURS = ("koodrive", "portal", "batch", "batch portal")


class NotGuessable:
    """Refuses what takes few guesses, also with the words of the portal and of the person in it."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(_("A password has at most %d characters.") % LONGEST, code="too_long")
        person = [user.username, user.email.partition("@")[0], user.first_name, user.last_name] if user else []
        words = [word for word in (*_OURS, urlsplit(settings.PORTAL_BASE_URL).hostname, *person) if word]
        if password and zxcvbn(password[:_LOOKED_AT], user_inputs=words)["score"] < _LEAST_SCORE:
            raise ValidationError(
                _("This password is easy to guess; take several words that don't belong together."), code="guessable"
            )

    def get_help_text(self) -> str:
        return _("At least 12 characters that nobody guesses: several words that don't belong together are good.")
