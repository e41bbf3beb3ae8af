"""Publishes the heads of seals where nobody who runs the portal can change them: the only proof of a cut end.

An anchor is a line: the seal's number and the SHA-256 of its text. A destination that can't be reached is tried again
at the next round, from where it stopped; publishing a head twice is harmless.
"""

import hashlib
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.db import connections

from . import verifier

log = logging.getLogger(__name__)

ALIAS = "sealer"
SCHEMES = ("file", "https", "mailto")
AT_ONCE = 1000
MAIL_EVERY = timedelta(hours=1)  # one head proves all seals before it, so a mail a minute would prove nothing more
TIMEOUT = (3, 10)


def check(destinations: list[str]) -> None:
    """Raises ImproperlyConfigured for an address of a kind that nothing can be published to."""
    for destination in destinations:
        parts = urlsplit(destination)
        if parts.scheme not in SCHEMES or not (parts.path or parts.netloc):
            raise ImproperlyConfigured(
                f"PORTAL_AUDIT_ANCHORS holds {destination!r}; use file:/path, https://host/path or mailto:name@host."
            )


def publish(destinations: list[str]) -> dict[str, str]:
    """Publishes what each destination doesn't have yet; the result is what went wrong, by destination."""
    troubles = {}
    for destination in destinations:
        n, at = _published(destination)
        if destination.startswith("mailto:") and at and datetime.now(UTC) - at < MAIL_EVERY:
            continue
        heads = _heads_after(n)
        if not heads:
            continue
        trouble = _deliver(destination, "".join(f"{number} {head}\n" for number, head in heads))
        _remember(destination, n if trouble else heads[-1][0], trouble)
        if trouble:
            troubles[destination] = trouble
    return troubles


def known() -> dict[int, str] | None:
    """What was published to a file that this process can read; None when there is none. Raises what reading raises."""
    files = [Path(unquote(urlsplit(each).path)) for each in settings.AUDIT_ANCHORS if each.startswith("file:")]
    path = next((each for each in files if each.exists()), None)
    return verifier.read_anchors(path.read_text(encoding="utf-8").splitlines()) if path else None


def troubles() -> dict[str, str]:
    """What went wrong with the last publishing, by destination."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT destination, trouble FROM audit.anchored WHERE trouble <> ''")
        return dict(cursor.fetchall())


def behind(destinations: list[str]) -> list[str]:
    """The destinations that lack the head of a seal."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT destination FROM audit.anchored WHERE n >= (SELECT coalesce(max(n), 0) FROM audit.seal)")
        complete = {row[0] for row in cursor.fetchall()}
    return [destination for destination in destinations if destination not in complete]


def _deliver(destination: str, lines: str) -> str:
    """Empty when it arrived, else a sentence on what went wrong."""
    parts = urlsplit(destination)
    try:
        if parts.scheme == "file":
            _append(Path(unquote(parts.path)), lines)
        elif parts.scheme == "https":
            headers = {"Content-Type": "text/plain"}
            answer = requests.post(destination, data=lines, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            if not answer.ok:
                log.warning("heads of seals can't be published to %s: HTTP %s", destination, answer.status_code)
                return f"It answered HTTP {answer.status_code}."
        else:
            _mail(parts.path, lines)
    except (OSError, requests.RequestException) as error:
        log.warning("heads of seals can't be published to %s: %s", destination, type(error).__name__)
        return f"It can't be reached ({type(error).__name__})."
    return ""


def _append(path: Path, lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _mail(to: str, lines: str) -> None:
    newest = lines.rstrip().rpartition("\n")[2]
    subject = f"Audit trail of {settings.PORTAL_BASE_URL}: seal {newest.partition(' ')[0]}"
    text = f"Keep this message: it proves that no seal up to this one was changed or cut off.\n\n{lines}"
    EmailMessage(subject, text, to=[to]).send()


def _published(destination: str) -> tuple[int, datetime | None]:
    with connections[ALIAS].cursor() as cursor:
        # What failed has no time: it is tried again at once.
        cursor.execute(
            "SELECT n, CASE WHEN trouble = '' THEN at END FROM audit.anchored WHERE destination = %s", [destination]
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else (0, None)


def _heads_after(n: int) -> list[tuple[int, str]]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT n, text FROM audit.seal WHERE n > %s ORDER BY n LIMIT %s", [n, AT_ONCE])
        return [(number, hashlib.sha256(text.encode()).hexdigest()) for number, text in cursor.fetchall()]


def _remember(destination: str, n: int, trouble: str) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit.anchored (destination, n, trouble) VALUES (%s, %s, %s) ON CONFLICT (destination) "
            "DO UPDATE SET n = excluded.n, trouble = excluded.trouble, at = clock_timestamp()",
            [destination, n, trouble],
        )
