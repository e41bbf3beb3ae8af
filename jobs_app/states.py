"""The states of a submission and every change between them; nothing else may happen."""

from enum import StrEnum

from django.utils.translation import gettext_noop as _


class State(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    RUNNING = "running"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    PARTIALLY_FAILED = "partially_failed"
    FAILED = "failed"
    REFUSED = "refused"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CLOSED = "closed"


S = State

LABELS = {
    S.AWAITING_APPROVAL: _("Awaiting approval"),
    S.QUEUED: _("Queued"),
    S.SENDING: _("Sending"),
    S.ACCEPTED: _("Accepted"),
    S.RUNNING: _("Running"),
    S.UNKNOWN: _("Outcome unknown"),
    S.SUCCEEDED: _("Succeeded"),
    S.PARTIALLY_FAILED: _("Finished with failures"),
    S.FAILED: _("Failed"),
    S.REFUSED: _("Refused by KooDrive"),
    S.REJECTED: _("Rejected"),
    S.EXPIRED: _("Expired"),
    S.CANCELLED: _("Cancelled"),
    S.CLOSED: _("Closed without certainty"),
}

_FINISHES = {S.SUCCEEDED, S.PARTIALLY_FAILED, S.FAILED, S.CANCELLED}

TRANSITIONS: dict[State, frozenset[State]] = {
    S.AWAITING_APPROVAL: frozenset({S.QUEUED, S.REJECTED, S.EXPIRED, S.CANCELLED}),
    S.QUEUED: frozenset({S.SENDING, S.AWAITING_APPROVAL, S.EXPIRED, S.CANCELLED}),
    S.SENDING: frozenset({S.ACCEPTED, S.REFUSED, S.QUEUED, S.UNKNOWN}),
    # A late answer of the call itself settles a doubt as well as evidence or a person does.
    S.UNKNOWN: frozenset({S.ACCEPTED, S.REFUSED, S.QUEUED, S.CLOSED}),
    S.ACCEPTED: frozenset({S.RUNNING, *_FINISHES}),
    S.RUNNING: frozenset(_FINISHES),
    **{final: frozenset() for final in (*_FINISHES, S.REFUSED, S.REJECTED, S.EXPIRED, S.CLOSED)},
}

FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)
# To be asked for by their names: an index finds what is in one of some states, and not what is in none of some.
OPEN = frozenset(State) - FINAL

DONE = frozenset({S.SUCCEEDED, S.PARTIALLY_FAILED, S.CLOSED})  # KooDrive did it, or may have done it
# KooDrive is certain to have made a task, and the portal follows it.
FOLLOWED = frozenset({S.ACCEPTED, S.RUNNING})


def may_become(state: str, following: str) -> bool:
    return State(following) in TRANSITIONS[State(state)]
