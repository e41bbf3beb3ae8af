"""Mail that tells people something: where it can't be sent, what it tells stands on the pages as well."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation

from .models import User
from .wording import translated

log = logging.getLogger(__name__)


def tell(to: Sequence[str], subject: str, text: str) -> bool:
    """Whether it went out: not without mail in the settings, without addresses, or when the server can't be reached.

    People get it in the language that they chose; one mail for all of the same language.
    """
    if not (settings.HAS_MAIL and to):
        return False
    sent = [_send(addresses, subject, text, language) for language, addresses in _by_language(to).items()]
    return all(sent)


def _by_language(to: Sequence[str]) -> dict[str, list[str]]:
    """An address that several people have, or nobody, is written to in English."""
    chosen: dict[str, set[str]] = {}
    for person in User.objects.filter(email__in=to):
        chosen.setdefault(person.email, set()).add(getattr(person, "language", "") or settings.LANGUAGE_CODE)
    found: dict[str, list[str]] = {}
    for address in to:
        languages = chosen.get(address, set())
        found.setdefault(languages.pop() if len(languages) == 1 else settings.LANGUAGE_CODE, []).append(address)
    return found


def _send(to: list[str], subject: str, text: str, language: str) -> bool:
    with translation.override(language):
        mail = EmailMessage(translated(subject), translated(text), to=to)
    try:
        mail.send()
    except (OSError, ValueError) as error:
        log.warning("nobody can be told by mail: %s (%s)", subject, type(error).__name__)
        return False
    return True
