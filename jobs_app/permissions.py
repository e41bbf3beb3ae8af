"""Who may do what: one predicate per right.

A predicate answers None, or the error that says why not: the verb raises it (``require``), the page shows it beside the
button. No role includes another, and nothing here asks whether somebody is a superuser.
"""

from . import audit
from .actors import Actor, Kind, Role, Scope
from .audit import Action
from .errors import NotAllowed, NotFound, OwnSubmission, PeopleOnly, PortalError
from .models import Submission
from .models.submissions import SubmissionQuerySet

Refusal = PortalError | None


def require(refusal: Refusal, *, by: Actor, to: str, submission: Submission | None = None) -> None:
    """Raises the refusal, if there is one, once the trail says that it was refused."""
    if refusal is None:
        return
    known = submission.pk if submission else None
    audit.record(Action.PERMISSION_DENIED, by=by, submission=known, outcome="denied", to=to, why=refusal.code)
    raise refusal


def submit(actor: Actor) -> Refusal:
    return _unless(Role.OPERATOR in actor.roles or Scope.WRITE in actor.scopes)


def read_catalogue(actor: Actor) -> Refusal:
    return _unless(bool(actor.roles) or not actor.scopes.isdisjoint({Scope.READ, Scope.READ_ALL, Scope.WRITE}))


def read_submissions(actor: Actor) -> Refusal:
    return _unless(_reads_all(actor) or Scope.READ in actor.scopes)


def visible_to(actor: Actor) -> SubmissionQuerySet:
    """The submissions that the actor may see; of the others the portal doesn't even say that they exist."""
    everything = Submission.objects.all()
    if _reads_all(actor):
        return everything
    if actor.kind is Kind.SERVICE and Scope.READ in actor.scopes:
        return everything.filter(service_id=actor.key)
    return everything.none()


def read_events(actor: Actor, submission: Submission) -> Refusal:
    """The events of a submission, for whoever sees the submission or may read the trail."""
    if Scope.AUDIT in actor.scopes or visible_to(actor).filter(pk=submission.pk).exists():
        return None
    return NotFound()


def decide(actor: Actor, submission: Submission) -> Refusal:
    """Approve or reject."""
    if actor.kind is not Kind.PERSON:
        return PeopleOnly()
    if Role.APPROVER not in actor.roles:
        return NotAllowed()
    return OwnSubmission() if submission.accountable_id == actor.key else None


def _reads_all(actor: Actor) -> bool:
    return bool(actor.roles) or Scope.READ_ALL in actor.scopes


def _unless(allowed: bool) -> Refusal:
    return None if allowed else NotAllowed()
