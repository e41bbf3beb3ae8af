"""Changes that take two administrators: one proposes, another confirms, and all administrators and auditors hear of it.

What a confirmed proposal changes is the business of whoever proposed it: ``settle`` gets the function that does it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from . import audit, mail, permissions, validators
from .actors import SWEEPER, Actor, Role
from .audit import Action
from .errors import Invalid, NotFound, Problem, WrongState
from .models import Proposal, User

OPEN_FOR = timedelta(days=7)
OVERSEERS = (Role.ADMINISTRATOR, Role.AUDITOR)  # who hears of every proposal and of its end

State = Proposal.State
_ENDED = "Nobody can decide about this proposal any more; load the page again to see what became of it."


def propose(
    kind: Proposal.Kind, subject: str, *, before: Mapping[str, Any], after: Mapping[str, Any], reason: str, by: Actor
) -> Proposal:
    """Puts a change before another administrator, with its event.

    Raises ``NotAllowed``, ``Invalid`` without a reason, or ``WrongState`` while another proposal about it is open.
    """
    permissions.require(permissions.propose(by), by=by, to="propose a change", subject=subject, confirmed=True)
    expire()  # What is over must not stand in the way of what is proposed now.
    proposal = Proposal(
        kind=kind,
        subject=subject,
        before=dict(before),
        after=dict(after),
        reason=validators.reason(reason),
        proposed_by_id=by.key,
        expires_at=timezone.now() + OPEN_FOR,
    )
    try:
        with transaction.atomic():
            proposal.save(force_insert=True)
            _tell(Action.CHANGE_PROPOSED, proposal, by, reason=proposal.reason)
    except IntegrityError as error:
        raise WrongState("Another change of this waits for an administrator; it has to be decided first.") from error
    return proposal


def settle(
    pk: int, decision: Proposal.State, *, comment: str, by: Actor, carry_out: Callable[[Proposal, Actor], None]
) -> Proposal:
    """Confirms, refuses or withdraws an open proposal. ``carry_out`` makes the change in the same transaction.

    Raises ``NotFound``, ``NotAllowed`` (also for one's own, which can only be withdrawn), ``Invalid`` for a refusal
    without a comment, ``WrongState``, and whatever ``carry_out`` raises; nothing is done then.
    """
    if decision is State.REFUSED and not comment.strip():
        raise Invalid([Problem("/comment", "required", "Say why you refuse it.")])
    shown = Proposal.objects.filter(pk=pk).first()
    if shown is None:
        raise NotFound
    may = permissions.withdraw if decision is State.WITHDRAWN else permissions.confirm
    permissions.require(may(by, shown), by=by, to=f"{decision} a change", proposal=shown.ref, confirmed=True)
    with transaction.atomic():
        proposal = Proposal.objects.select_for_update().get(pk=pk)
        if proposal.state != State.OPEN or proposal.expires_at <= timezone.now():
            raise WrongState(_ENDED)
        _close(proposal, decision, by.key, comment.strip())
        if decision is State.CONFIRMED:
            carry_out(proposal, by)
        _tell(_ACTIONS[decision], proposal, by, comment=proposal.comment or None)
    return proposal


def expire() -> None:
    """Ends the proposals that nobody decided about in time, with an event for each."""
    late = Proposal.objects.filter(state=State.OPEN, expires_at__lte=Now())
    for pk in list(late.values_list("pk", flat=True)):
        with transaction.atomic():
            proposal = late.select_for_update(skip_locked=True).filter(pk=pk).first()
            if proposal:
                _close(proposal, State.EXPIRED, None, "")
                _tell(Action.CHANGE_EXPIRED, proposal, SWEEPER)


_ACTIONS = {
    State.CONFIRMED: Action.CHANGE_CONFIRMED,
    State.REFUSED: Action.CHANGE_REFUSED,
    State.WITHDRAWN: Action.CHANGE_WITHDRAWN,
}


def _close(proposal: Proposal, state: Proposal.State, by: int | None, comment: str) -> None:
    proposal.state, proposal.decided_by_id, proposal.comment = state, by, comment
    proposal.decided_at = timezone.now()
    proposal.save(update_fields=["state", "decided_by", "decided_at", "comment"])


def _tell(action: Action, proposal: Proposal, by: Actor, **said: Any) -> None:
    """The event, and mail to the overseers once it is committed."""
    audit.record(
        action,
        by=by,
        outcome="failed" if action is Action.CHANGE_EXPIRED else "ok",
        proposal=proposal.ref,
        subject=proposal.subject,
        before=proposal.before,
        after=proposal.after,
        **said,
    )
    tell_of(action, f"{proposal.get_kind_display()} ({proposal.subject})", by=by, reason=proposal.reason)


def tell_of(action: Action, what: str, *, by: Actor, reason: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Mail to the overseers once the transaction is committed: what happened, to what, by whom and why."""
    said = [_(f"What: {what}"), _(f"By: {by.name}"), _(f"Reason: {reason}"), "", f"{settings.PORTAL_BASE_URL}/"]
    text = "\n".join([audit.MEANINGS[action], "", *said, ""])
    subject = _(f"{settings.PORTAL_BASE_URL}: a change of rights or rules ({action})")
    transaction.on_commit(partial(tell_overseers, subject, text), using=using, robust=True)


def tell_overseers(subject: str, text: str) -> bool:
    """Mail to every administrator and auditor who has an address; whether any went out."""
    people = User.objects.present().having(*OVERSEERS).exclude(email="")
    sent = [mail.tell([address], subject, text) for address in people.values_list("email", flat=True)]
    return any(sent)
