"""Every error of the domain. Its docstring is its message: one sentence that says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class PortalError(Exception):
    """Something went wrong; try again, or ask the administrators."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        super().__init__(self.detail)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with, or doubtful in, a request: where (JSON pointer), which (stable code), what to do."""

    pointer: str
    code: str
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class Invalid(PortalError):
    """The request has errors; mend every one that is listed and send it again."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class NotReviewed(Invalid):
    """Something on the page needs your word first: acknowledge what it shows, and type its phrase."""

    code = "not_reviewed"


class TooLarge(PortalError):
    """One call takes at most 1,000 submissions and 10,000 files; split it into several."""

    code = "too_large"


class NotAllowed(PortalError):
    """You do not have the right to do this; ask an administrator for it."""

    code = "not_allowed"


class PeopleOnly(NotAllowed):
    """Only a person may decide this; sign in to the portal and decide there."""

    code = "people_only"


class OwnSubmission(NotAllowed):
    """Nobody decides on what they, or a service of theirs, submitted or tried again; another approver has to."""

    code = "own_submission"


class OwnProposal(NotAllowed):
    """You have proposed this yourself; another administrator has to confirm it."""

    code = "own_proposal"


class OwnRights(NotAllowed):
    """Nobody gives themselves rights or a new sign-in, or confirms that; two other administrators have to."""

    code = "own_rights"


class RoleTooNew(NotAllowed):
    """A role that takes two administrators counts a day after it was given; somebody else has to decide until then."""

    code = "role_too_new"


class ServicesOnly(NotAllowed):
    """Only a service may do this, with its own token; people do it on the page of the tokens."""

    code = "services_only"


class Reauthenticate(PortalError):
    """This weighs too much for a sign-in that is minutes old; confirm with your second factor, then do it again."""

    code = "reauthenticate"


class SecondFactorNeeded(PortalError):
    """Your role needs a second factor; set one up on the page of your profile, or sign in again with it."""

    code = "second_factor_needed"


class NotFound(PortalError):
    """There is no such thing, or you may not see it."""

    code = "not_found"


class WrongState(PortalError):
    """The submission is no longer in a state that allows this; load it again to see where it is."""

    code = "wrong_state"


class PolicyChanged(WrongState):
    """The policy became stricter this very moment, so nothing was stored; submit it again."""

    code = "policy_changed"


class SettleFirst(WrongState):
    """Nobody knows yet whether KooDrive has it; settle that first, then decide what to do."""

    code = "settle_first"


class TaskTaken(WrongState):
    """This task belongs to another submission; choose another one, or close the submission with a reason."""

    code = "task_taken"


class Gone(PortalError):
    """It was there and is no longer; start a new submission for it."""

    code = "gone"


class TooManyOpen(PortalError):
    """As many as you may ask for at once aren't written yet; wait until one of them is ready."""

    code = "too_many_open"


class RequestDiffers(PortalError):
    """The request is not the one that you looked at; load it again, read it, and decide anew."""

    code = "request_differs"


class AlreadySubmitted(PortalError):
    """This was submitted before with other content; start a new submission."""

    code = "already_submitted"


class AlreadyErased(PortalError):
    """This person's name was erased already; there is nothing left to do."""

    code = "already_erased"


class LastAdministrator(PortalError):
    """Nobody else is an administrator; make another one first, with create_user NAME --role administrator."""

    code = "last_administrator"


class OwnerNeeded(PortalError):
    """Only the owner of the database may do this; run it again with DATABASE_OWNER_URL set to that role."""

    code = "owner_needed"


class UnreadableLine(PortalError):
    """An event of the trail can't be read, so somebody changed it; have the whole trail verified."""

    code = "unreadable_line"


class AuditUnavailable(PortalError):
    """The audit trail can't be written, so nothing was stored and nothing was sent; try again later."""

    code = "audit_unavailable"


class KeyReused(PortalError):
    """This Idempotency-Key was used for another request; take a new key for each request."""

    code = "key_reused"


class KeyBusy(PortalError):
    """A request with this Idempotency-Key is being carried out; repeat it in a moment."""

    code = "key_busy"


class TooManyWaiting(PortalError):
    """Too many calls wait for changes just now; ask again in a moment, or without wait."""

    code = "too_many_waiting"


class TooManyCalls(PortalError):
    """This token has made all the calls that it may make just now; go on when Retry-After is over."""

    code = "too_many_calls"

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.retry_after = seconds


class TokenRefused(PortalError):
    """This token may not be used; ask an administrator."""

    code = "authentication_failed"


class TokenUnknown(TokenRefused):
    """This token isn't known, has ended or was revoked; ask for a new one."""


class TokenUsedElsewhere(TokenRefused):
    """This token may not be used from here; ask an administrator."""


class TokenPaused(TokenRefused):
    """This token is paused; ask an administrator to resume it."""


class TokenStopped(TokenRefused):
    """The person who answers for this service has left; ask an administrator to give it another owner."""
