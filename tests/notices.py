"""Notices for tests: a portal that tells from now on, and a worker's way with what is to be told."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs_app.models import Notice, NoticeState, User
from jobs_app.notices import courier, reading, words


def listen(*people: User) -> None:
    """From now on what happens is told, and these people have an address: their name at example.com."""
    NoticeState.objects.using("owner").all().delete()
    reading.state()
    for person in people:
        person.email = f"{person.username}@example.com"
        User.objects.using("owner").filter(pk=person.pk).update(email=person.email)


def work() -> int:
    """Makes notices of what has happened and mails what is due, digests too; says how many letters that took."""
    reading.read_on()
    Notice.objects.filter(mail="waiting", attempts=0).update(due_at=timezone.now() - timedelta(seconds=1))
    return mailed()


def mailed() -> int:
    count = 0
    while letter := courier.claim():
        courier.attempt(letter)
        count += 1
    return count


def everything_is_due() -> None:
    """As if every wait were over: of retries, of a mail server that is left alone, of claims whose worker is gone."""
    past = timezone.now() - timedelta(seconds=1)
    Notice.objects.filter(mail="waiting").update(due_at=past)
    NoticeState.objects.update(not_before=None)


def told(person: User) -> list[tuple[str, int]]:
    """Kind and count of what the person is told in the portal, oldest first."""
    rows = Notice.objects.filter(person=person, in_portal=True).order_by("at", "pk")
    return list(rows.values_list("kind", "count"))


def letters(outbox: Sequence[Any], person: User) -> list[Any]:
    """What the person got by mail."""
    return [each for each in outbox if each.to == [person.email]]


def words_for(person: User, kind: str) -> words.Words:
    return words.of(Notice.objects.get(person=person, kind=kind))[0]


def links(text: str) -> list[str]:
    return re.findall(r"https?://\S+", text)
