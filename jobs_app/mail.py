"""Mail as the portal sends it: plain text, from a machine, with headers that no text of a person can break."""

import logging
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation

from .models import User
from .wording import translated

log = logging.getLogger(__name__)

_LONGEST_SUBJECT = 150
_HEADERS = {"Auto-Submitted": "auto-generated"}
_FOR_GOOD = 500  # what an SMTP server answers from here on it says for good


class Away(Exception):
    """The mail server can't be reached, or takes nothing from anybody."""


class Refused(Exception):
    """This mail isn't taken; ``for_good`` tells whether it makes sense to try it again."""

    def __init__(self, why: str, *, for_good: bool) -> None:
        super().__init__(why)
        self.for_good = for_good


def send(to: str, subject: str, text: str, *, headers: Mapping[str, str] | None = None) -> None:
    """Raises ``Away`` or ``Refused``; what they say names no address."""
    message = EmailMessage(_one_line(subject), text, to=[to], headers={**_HEADERS, **(headers or {})})
    with _sorted_out():
        message.send()


def tell(to: str, subject: str, text: str) -> bool:
    """Whether it went out at once, in their language; for what must be kept nowhere, as a link to set a password."""
    if not (settings.HAS_MAIL and to):
        return False
    try:
        with translation.override(_language(to)):
            send(to, translated(subject), translated(text))
    except (Away, Refused) as error:
        log.warning("they can't be told by mail: %s (%s)", subject, error)
        return False
    return True


def _language(address: str) -> str:
    """English for an address that nobody has, or several people with different languages."""
    chosen = set(User.objects.filter(email=address).values_list("language", flat=True))
    return (chosen.pop() if len(chosen) == 1 else "") or settings.LANGUAGE_CODE


def _one_line(text: str) -> str:
    """Without line breaks and other controls, which could begin another header."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


@contextmanager
def _sorted_out() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise Refused(f"The address was refused ({codes[0]}).", for_good=min(codes) >= _FOR_GOOD) from error
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        raise Refused(f"The mail was refused ({code}).", for_good=code >= _FOR_GOOD) from error
    except ValueError as error:  # an address, or a header, that can't stand in a mail
        raise Refused(f"The mail can't be written ({type(error).__name__}).", for_good=True) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Away("The mail server refuses the user and password of PORTAL_MAIL_URL.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Away(f"The mail server can't be reached, or takes nothing ({type(error).__name__}).") from error
