"""Whether enough people are there: an administrator always stays, and somebody can approve and confirm."""

from dataclasses import dataclass
from datetime import date

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import policies
from .actors import Role, Scope
from .errors import LastAdministrator
from .models import ApiToken, Proposal, Service, Submission, User
from .models.people import PersonQuerySet
from .operations import OPERATIONS
from .states import State

_LOCK = 7411012  # PostgreSQL's, for whoever makes an administrator fewer


def keep_an_administrator(leaving: User, *, after: date | None = None, using: str = DEFAULT_DB_ALIAS) -> None:
    """Raises ``LastAdministrator`` if nobody else is one when this person isn't any more, at once or after that day.

    Call it in the transaction that takes them away: until its end nobody else gets past here.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    able = User.objects.db_manager(using).present().having(Role.ADMINISTRATOR)
    if not able.filter(pk=leaving.pk).exists():
        return
    stays = Q(last_day=None) | Q(last_day__gt=after or timezone.now().date())
    if not able.filter(stays if after else Q()).exclude(pk=leaving.pk).exists():
        raise LastAdministrator


def troubles(policy: policies.InForce | None = None) -> list[str]:
    """Whose deletions nobody could approve, and what nobody could confirm; a sentence each, none when all is well.

    ``policy`` is the one in force, where the caller has read it.
    """
    return [*approving(policy), *confirming()]


def approving(policy: policies.InForce | None = None) -> list[str]:
    """Whose deletions nobody could approve."""
    rules = (policy or policies.current()).rules
    needed = max(rules[f"approvals.{operation.name}"] for operation in OPERATIONS)
    approvers = set(User.objects.present().having(Role.APPROVER).values_list("pk", flat=True))
    if len(approvers) < needed:
        return [
            f"Approvers: {len(approvers)}, needed: {needed}; no deletion can be approved until more people are one."
        ]
    stuck = _accountable().filter(pk__in=[pk for pk in approvers if len(approvers - {pk}) < needed])
    return [
        f"Nobody could approve a deletion of {person} or of a service of theirs: nobody else is an approver; make "
        "somebody one."
        for person in stuck.order_by("username")
    ]


@dataclass(frozen=True)
class Leaves:
    """What somebody leaves when they go: their services, the open proposals that they made, and who decides instead.

    ``waiting`` are the submissions that wait for an approval and aren't theirs, when they are an approver.
    """

    services: list[Service]
    proposals: int
    waiting: int
    other_approvers: int


def leaves(person: User) -> Leaves:
    is_approver = Role.APPROVER in person.granted_roles()
    waiting = Submission.objects.filter(status=State.AWAITING_APPROVAL).exclude(accountable=person)
    return Leaves(
        services=list(person.services.order_by("name")),
        proposals=Proposal.objects.open(timezone.now()).filter(proposed_by=person).count(),
        waiting=waiting.count() if is_approver else 0,
        other_approvers=User.objects.present().having(Role.APPROVER).exclude(pk=person.pk).count(),
    )


def _accountable() -> PersonQuerySet:
    """Who submits, and who answers for a service that may."""
    writing = ApiToken.objects.alive(timezone.now()).filter(scopes__contains=[Scope.WRITE])
    people = User.objects.present()
    return people.having(Role.OPERATOR) | people.filter(pk__in=writing.values("service__owner"))


def confirming() -> list[str]:
    """Whether there are two administrators."""
    administrators = list(User.objects.present().having(Role.ADMINISTRATOR)[:2])
    if len(administrators) > 1:
        return []
    only = _(f"{administrators[0]} is the only administrator") if administrators else ""
    who = only or _("Nobody is an administrator")
    return [f"{who}, so nothing that takes two can be done; make another one with create_user on the server."]
