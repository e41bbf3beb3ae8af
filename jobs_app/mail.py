"""Mail that tells people something: where it can't be sent, what it tells stands on the pages as well."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage

log = logging.getLogger(__name__)


def tell(to: Sequence[str], subject: str, text: str) -> bool:
    """Whether it went out: not without mail in the settings, without addresses, or when the server can't be reached."""
    if not (settings.HAS_MAIL and to):
        return False
    try:
        EmailMessage(subject, text, to=list(to)).send()
    except (OSError, ValueError) as error:
        log.warning("nobody can be told by mail: %s (%s)", subject, type(error).__name__)
        return False
    return True
