"""Mails notices: claim what one receiver has due, mail it as one letter outside any transaction, store what came of it.

A letter is sent at least once: its claim is committed before the connection to the mail server is opened, and an
attempt whose worker died is made again when the claim's time is over. So a mail comes twice only where the server took
it and the worker died before it could store that, which SMTP leaves open; both then have the same Message-ID.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from .. import mail, moments, waits
from ..models import Notice, NoticeState, User
from . import words
from .storing import AGAIN

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # the mail server's time limit is ten seconds a step
MOST = 50  # notices in one letter
BACKOFF = (60, 300, 1800, 7200, 21600)  # seconds, at most, until the next attempt; the last one again and again
GIVEN_UP_AFTER = timedelta(days=3)  # of what the mail server refuses, while it takes others
TOO_OLD = timedelta(days=7)  # nobody wants it by mail any more; it stands in the portal
LONGEST_PROBE = 300.0  # seconds, at most, between two attempts at a mail server that is away


@dataclass(frozen=True)
class Letter:
    """Notices for one receiver that its holder alone mails now, as they stood at the claim."""

    id: uuid.UUID
    claim: uuid.UUID
    notices: Sequence[Notice]

    @property
    def person(self) -> User | None:
        return self.notices[0].person

    @property
    def address(self) -> str:
        """Where it goes now; empty for somebody who has left, or whose address is gone."""
        if self.person is None:
            return self.notices[0].address
        return self.person.email if self.person.is_present else ""


def is_due() -> bool:
    """Whether there is a letter that may be tried now."""
    return NoticeState.objects.filter(_may_try()).exists() and _due().exists()


def claim() -> Letter | None:
    """What is next, for this caller alone; None when nothing may be tried now.

    The state's row is locked meanwhile, so that a mail server that is away is asked by one letter at a time.
    """
    with transaction.atomic():
        state = NoticeState.objects.select_for_update().filter(_may_try()).first()
        if state is None or (state.failures and _under_way().exists()):
            return None
        _leave_out_old()
        first = _due().order_by("due_at", "pk").first()
        if first is None:
            return None
        together = _due().filter(person=first.person_id, address=first.address, letter=first.letter)
        keys = list(together.order_by("at", "pk").values_list("pk", flat=True)[:MOST])
        letter, mine = first.letter or uuid.uuid4(), uuid.uuid4()
        Notice.objects.filter(pk__in=keys).update(
            letter=letter,
            claim=mine,
            told=F("count"),
            due_at=Now() + LEASE,
            attempts=F("attempts") + 1,
            first_tried_at=Coalesce(F("first_tried_at"), Now()),
        )
        rows = list(Notice.objects.filter(claim=mine).select_related("person").order_by("at", "pk"))
    return Letter(letter, mine, rows)


def attempt(letter: Letter) -> None:
    """Mails it and stores what came of it. Whoever is late, since another has claimed it, stores nothing."""
    trouble: mail.Away | mail.Refused | None = None
    try:
        if letter.address:
            _send(letter)
    except (mail.Away, mail.Refused) as error:
        trouble = error
    except Exception:  # A fault of ours must not make the letter come back again and again without a pause.
        log.exception("a notice can't be mailed")
        trouble = mail.Refused("The portal failed to write it; the worker's log says why.", for_good=False)
    with transaction.atomic():
        # The state's row is locked before any notice, here as everywhere.
        state = NoticeState.objects.select_for_update().get()
        mine = Notice.objects.filter(claim=letter.claim)
        if not letter.address:
            mine.update(mail=Notice.Mail.NONE, due_at=None, claim=None)
        elif trouble is None:
            _sent(state, mine)
        elif mine.exists():
            log.warning("a mail doesn't go out: %s", trouble)
            if isinstance(trouble, mail.Refused):
                _refused(letter, mine, trouble)
            else:
                _failed(state, letter, mine, str(trouble))


def _may_try() -> Q:
    return Q(not_before=None) | Q(not_before__lte=Now())


def _due() -> "QuerySet[Notice]":
    return Notice.objects.filter(mail=Notice.Mail.WAITING, due_at__lte=Now())


def _under_way() -> "QuerySet[Notice]":
    return Notice.objects.filter(mail=Notice.Mail.WAITING, claim__isnull=False, due_at__gt=Now())


def _leave_out_old() -> None:
    _due().filter(at__lt=Now() - TOO_OLD).update(
        mail=Notice.Mail.GIVEN_UP, due_at=None, claim=None, ended_at=Now(), error="It waited too long to be mailed."
    )


# --- What is sent --------------------------------------------------------------------------------------------------
def _send(letter: Letter) -> None:
    person = letter.person
    zone = moments.zone(person.time_zone) if person else None
    language = person.language if person and person.language else settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(zone):
        subject, text = written(letter)
    host = urlsplit(settings.PORTAL_BASE_URL).hostname
    mail.send(letter.address, subject, text, headers={"Message-ID": f"<{letter.id}@{host}>"})


def written(letter: Letter) -> tuple[str, str]:
    """Subject and text, in the language and zone that are active."""
    found = words.of(*letter.notices)
    subject = found[0].title if len(found) == 1 else gettext("%(n)s notices") % {"n": len(found)}
    parts = [f"{each.title}\n{each.text}\n{settings.PORTAL_BASE_URL}{each.path}" for each in found]
    if letter.person:
        page = settings.PORTAL_BASE_URL + reverse("mfa_index") + "#notices"
        parts.append(gettext("What you get by mail you choose at %(page)s") % {"page": page})
    return f"{gettext('Batch portal')}: {subject}", "\n\n".join(parts) + "\n"


# --- What came of it -----------------------------------------------------------------------------------------------
def _sent(state: NoticeState, mine: "QuerySet[Notice]") -> None:
    # What was counted while the letter was on its way comes with another one.
    anew = {"letter": None, "claim": None, "due_at": Now() + AGAIN, "attempts": 0, "first_tried_at": None}
    mine.exclude(count=F("told")).update(**anew)
    mine.update(mail=Notice.Mail.SENT, due_at=None, claim=None, ended_at=Now(), error="")
    if state.failures:
        NoticeState.objects.update(failures=0, failing_since=None, not_before=None, error="")
        # The server is back: what waited for its next attempt need not wait any longer.
        waiting = Notice.objects.filter(mail=Notice.Mail.WAITING, claim=None, attempts__gt=0, due_at__gt=Now())
        waiting.update(due_at=Now())


def _failed(state: NoticeState, letter: Letter, mine: "QuerySet[Notice]", why: str) -> None:
    """The letter waits, and so does every other one: what the server does to one it does to all."""
    mine.update(claim=None, due_at=Now() + _wait(letter), error=why)
    failures = state.failures + 1
    rest = waits.doubled(failures, first=5.0, longest=LONGEST_PROBE)
    NoticeState.objects.update(
        failures=failures,
        failing_since=Coalesce(F("failing_since"), Now()),
        not_before=Now() + timedelta(seconds=rest),
        error=why,
    )


def _refused(letter: Letter, mine: "QuerySet[Notice]", error: mail.Refused) -> None:
    first = letter.notices[0].first_tried_at
    if error.for_good or (first and timezone.now() - first > GIVEN_UP_AFTER):
        given_up = {"mail": Notice.Mail.GIVEN_UP, "due_at": None, "ended_at": Now()}
        mine.update(claim=None, error=str(error), **given_up)
    else:
        mine.update(claim=None, due_at=Now() + _wait(letter), error=str(error))


def _wait(letter: Letter) -> timedelta:
    attempts = max(each.attempts for each in letter.notices)
    return timedelta(seconds=waits.step(BACKOFF, attempts))
