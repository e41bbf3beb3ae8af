"""Who may do what: one predicate per right.

A predicate answers None, or the error that says why not: the verb raises it (``require``), the page shows it beside the
button. No role includes another, and nothing here asks whether somebody is a superuser.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import audit, statements
from .actors import Actor, Channel, Kind, Role, Scope
from .audit import Action
from .errors import (
    Gone,
    NotAllowed,
    NotFound,
    OwnProposal,
    OwnRights,
    OwnSubmission,
    PeopleOnly,
    PortalError,
    Reauthenticate,
    RoleTooNew,
    ServicesOnly,
    SettleFirst,
    WrongState,
)
from .models import Batch, Proposal, Service, Submission, User
from .models.submissions import SubmissionQuerySet
from .states import State

Refusal = PortalError | None

# In ``party``, the rows of ``table`` that are ``among`` them, each with everybody who answers for it or for what it
# repeats: themselves, or as the owner of the service then or now.
PARTIES = """
    WITH RECURSIVE line AS (
        SELECT id AS newest, retry_of_id, accountable_id, service_id FROM {table} WHERE {among}
        UNION ALL
        SELECT line.newest, tried.retry_of_id, tried.accountable_id, tried.service_id
        FROM line JOIN {table} AS tried ON tried.id = line.retry_of_id
    ), party AS (
        SELECT DISTINCT newest, person FROM line LEFT JOIN jobs_app_service AS service ON service.id = line.service_id
        CROSS JOIN unnest(ARRAY[line.accountable_id, service.owner_id]) AS person WHERE person IS NOT NULL
    )
    {wanted}
"""


def require(
    refusal: Refusal,
    *,
    by: Actor,
    to: str,
    submission: Submission | None = None,
    confirmed: bool = False,
    **details: Any,
) -> None:
    """Raises the refusal, if there is one; that somebody had no right, and not only came too late, the trail says.

    With ``confirmed`` it also raises ``Reauthenticate`` for a person whose second factor has to be given anew.
    """
    if refusal is None:
        if confirmed and not by.confirmed:
            raise Reauthenticate
        return
    if isinstance(refusal, NotAllowed):
        said = {"to": to, "why": refusal.code, **details}
        audit.record(Action.PERMISSION_DENIED, by=by, submission=submission, outcome="denied", **said)
    raise refusal


def submit(actor: Actor) -> Refusal:
    return _unless(Role.OPERATOR in actor.roles or Scope.WRITE in actor.scopes)


def submit_this(actor: Actor, operation: str, *spaces: str) -> Refusal:
    """Submit this operation from and to these spaces, where the token names the ones that it is for."""
    if actor.operations and operation not in actor.operations:
        return NotAllowed(f"This token may not submit {operation}; ask an administrator, or use another token.")
    if actor.spaces and (others := [space for space in dict.fromkeys(spaces) if space not in actor.spaces]):
        return NotAllowed(f"This token is not for the space {' and '.join(others)}; ask an administrator for it.")
    return None


def read_catalogue(actor: Actor) -> Refusal:
    return _unless(bool(actor.roles) or not actor.scopes.isdisjoint({Scope.READ, Scope.READ_ALL, Scope.WRITE}))


def read_submissions(actor: Actor) -> Refusal:
    return _unless(_reads_all(actor) or Scope.READ in actor.scopes)


def visible_to(actor: Actor) -> SubmissionQuerySet:
    """The submissions that the actor may see; of the others the portal doesn't even say that they exist."""
    return Submission.objects.filter(_own_or_all(actor))


def batches_visible_to(actor: Actor) -> QuerySet[Batch]:
    """A batch is seen by whoever sees its members."""
    return Batch.objects.filter(_own_or_all(actor))


def _own_or_all(actor: Actor) -> Q:
    if _reads_all(actor):
        return Q()
    if actor.kind is Kind.SERVICE and Scope.READ in actor.scopes:
        return Q(service_id=actor.key)
    return Q(pk__in=[])


def read_events(actor: Actor, submission: Submission) -> Refusal:
    """The events of a submission, for whoever sees the submission or may read the trail."""
    if read_trail(actor) is None or visible_to(actor).filter(pk=submission.pk).exists():
        return None
    return NotFound()


def read_trail(actor: Actor) -> Refusal:
    """Search, export and verify the whole trail."""
    return _unless(Role.AUDITOR in actor.roles or Scope.AUDIT in actor.scopes)


def export(actor: Actor) -> Refusal:
    """Ask for archives, evidence packs and tables of the trail, see them all and load them."""
    return _unless(Role.AUDITOR in actor.roles)


def decide(actor: Actor, submission: Submission | Batch) -> Refusal:
    """Approve or reject; a batch is decided about by whoever may decide about its members."""
    return decide_each(actor, [submission])[0]


def decide_each(actor: Actor, rows: Sequence[Submission | Batch]) -> list[Refusal]:
    """What ``decide`` says of each of the rows, which are all of one kind; one statement asks for all of them."""
    if actor.kind is not Kind.PERSON:
        return [PeopleOnly()] * len(rows)
    if Role.APPROVER not in actor.roles or not rows:
        return [NotAllowed()] * len(rows)
    known, otherwise = parties(rows), _counts(actor, Role.APPROVER)
    return [OwnSubmission() if actor.key in known[row.pk] else otherwise for row in rows]


def parties(rows: Sequence[Submission | Batch]) -> Mapping[UUID, set[int]]:
    """Who decides about none of the rows, which are all of one kind, as it is their own; one statement for all."""
    found: dict[UUID, set[int]] = {row.pk: set() for row in rows}
    if rows:
        table, wanted = rows[0]._meta.db_table, "SELECT newest, person FROM party"
        statement = PARTIES.format(table=table, among="id = ANY(%s)", wanted=wanted)
        for pk, person in statements.rows(statement, [[*found]]):
            found[pk].add(person)
    return found


def change(actor: Actor, submission: Submission | Batch) -> Refusal:
    """Cancel or retry: an operator any, a service its own."""
    if Role.OPERATOR in actor.roles:
        return None
    return _unless(Scope.WRITE in actor.scopes and submission.service_id == actor.key)


def cancel(actor: Actor, submission: Submission) -> Refusal:
    if refusal := change(actor, submission):
        return refusal
    if submission.state is State.UNKNOWN:
        return SettleFirst()
    return WrongState("It has ended already, so there is nothing to cancel.") if submission.is_final else None


RETRIED = frozenset(
    {
        State.PARTIALLY_FAILED,
        State.FAILED,
        State.REFUSED,
        State.EXPIRED,
        State.CANCELLED,
        State.CLOSED,
    }
)


def retry(actor: Actor, submission: Submission) -> Refusal:
    if refusal := change(actor, submission):
        return refusal
    if submission.state in RETRIED:
        return None
    return WrongState("Only what ended without full success, and was not rejected, can be submitted again.")


def settle(actor: Actor, submission: Submission) -> Refusal:
    """Bind or close a submission whose outcome is unknown."""
    if actor.kind is not Kind.PERSON:
        return PeopleOnly()
    if Role.OPERATOR not in actor.roles:
        return NotAllowed()
    return None if submission.state is State.UNKNOWN else WrongState()


def load_package(actor: Actor, submission: Submission) -> Refusal:
    """Get the address of a finished package: whoever made it, or an operator."""
    own = submission.service_id if actor.kind is Kind.SERVICE else submission.person_id
    is_reader = Scope.READ in actor.scopes or bool(actor.roles)
    if not (Role.OPERATOR in actor.roles or (own == actor.key and is_reader)):
        return NotAllowed()
    if submission.operation != "package" or submission.state not in (State.SUCCEEDED, State.PARTIALLY_FAILED):
        return WrongState("There is no package: only a finished package task has one.")
    link = getattr(submission, "download_link", None)
    return Gone() if link is None or link.expires_at <= timezone.now() else None


def pause(actor: Actor) -> Refusal:
    return _unless(not actor.roles.isdisjoint({Role.OPERATOR, Role.APPROVER, Role.ADMINISTRATOR}))


def resume(actor: Actor) -> Refusal:
    return _unless(Role.ADMINISTRATOR in actor.roles)


def see_spaces(actor: Actor) -> Refusal:
    """See the directory of spaces."""
    return _unless(bool(actor.roles))


def manage_spaces(actor: Actor) -> Refusal:
    """Add, change and remove spaces; what loosens one takes another administrator too."""
    return _unless(Role.ADMINISTRATOR in actor.roles)


def see_health(actor: Actor) -> Refusal:
    return _unless(bool(actor.roles))


def set_credentials(actor: Actor) -> Refusal:
    return _unless(Role.ADMINISTRATOR in actor.roles)


def propose(actor: Actor) -> Refusal:
    """Propose a change that takes another administrator too."""
    return _unless(Role.ADMINISTRATOR in actor.roles)


def confirm(actor: Actor, proposal: Proposal) -> Refusal:
    """Confirm or refuse what another administrator proposed."""
    if actor.kind is not Kind.PERSON:
        return PeopleOnly()
    if Role.ADMINISTRATOR not in actor.roles:
        return NotAllowed()
    if proposal.proposed_by_id == actor.key:
        return OwnProposal()
    return OwnRights() if proposal.subject == actor.id else _counts(actor, Role.ADMINISTRATOR)


def _counts(actor: Actor, role: Role) -> Refusal:
    """Whether the role counts for decisions: others must have a day to notice who was given it."""
    start = dict(actor.counting_from).get(role)
    if settings.IS_DEMO or start is None or start <= timezone.now():
        return None
    return RoleTooNew(
        f"Your role of {role} counts for decisions from {start:%Y-%m-%d %H:%M} UTC, a day after it was given; somebody "
        "else has to decide until then."
    )


def withdraw(actor: Actor, proposal: Proposal) -> Refusal:
    """Take back what one has proposed."""
    return _unless(actor.kind is Kind.PERSON and proposal.proposed_by_id == actor.key)


def see_people(actor: Actor) -> Refusal:
    """See who has which roles, since when and from whom."""
    return _unless(not actor.roles.isdisjoint({Role.ADMINISTRATOR, Role.AUDITOR}))


def manage_people(actor: Actor) -> Refusal:
    """Add people, give and take roles, set last days, deactivate, reset sign-ins; some of it takes two."""
    return _unless(Role.ADMINISTRATOR in actor.roles)


def strengthen(actor: Actor, person: User) -> Refusal:
    """Propose what lets a person do more, where that takes two administrators; never for oneself."""
    return OwnRights() if actor.id == person.ref else propose(actor)


def see_policy(actor: Actor) -> Refusal:
    """Every person who has any role."""
    return _unless(bool(actor.roles))


def change_policy(actor: Actor) -> Refusal:
    return _unless(Role.ADMINISTRATOR in actor.roles)


def manage_services(actor: Actor) -> Refusal:
    """Make and change services and their tokens; also for whoever may run the portal's commands."""
    return _unless(Role.ADMINISTRATOR in actor.roles or actor.channel is Channel.CLI)


def rotate_own_token(actor: Actor) -> Refusal:
    return None if actor.kind is Kind.SERVICE else ServicesOnly()


def see_foreign(actor: Actor) -> Refusal:
    """See the tasks that the portal did not send."""
    return _unless(not actor.roles.isdisjoint({Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR}))


def note_foreign(actor: Actor) -> Refusal:
    """Note what such a task is."""
    return _unless(not actor.roles.isdisjoint({Role.OPERATOR, Role.ADMINISTRATOR}))


def see_callbacks(actor: Actor) -> Refusal:
    """See where every service gets its notices, and how their delivery goes."""
    return _unless(not actor.roles.isdisjoint({Role.ADMINISTRATOR, Role.AUDITOR}))


def run_callbacks(actor: Actor) -> Refusal:
    """Pause and resume the notices of any service, test them, and have them sent again."""
    return _unless(Role.ADMINISTRATOR in actor.roles)


def set_callback(actor: Actor, service: Service) -> Refusal:
    """Say where a service gets its notices: an administrator, or the service itself if it may also read them."""
    own = actor.key == service.pk and see_own_callback(actor) is None
    return _unless(Role.ADMINISTRATOR in actor.roles or (own and Scope.WRITE in actor.scopes))


def see_own_callback(actor: Actor) -> Refusal:
    """A service sees its own, and the log of it, if it may read its submissions."""
    is_reader = not actor.scopes.isdisjoint({Scope.READ, Scope.READ_ALL})
    return _unless(actor.kind is Kind.SERVICE and is_reader)


def _reads_all(actor: Actor) -> bool:
    return bool(actor.roles) or Scope.READ_ALL in actor.scopes


def _unless(allowed: bool) -> Refusal:
    return None if allowed else NotAllowed()
