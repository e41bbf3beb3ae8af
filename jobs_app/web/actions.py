"""What a person may do with a submission, and for what else the reason why not: the page shows the one or the other."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .. import care, effects, permissions, submissions
from ..actors import Actor
from ..effects import SameEffect
from ..errors import PortalError
from ..models import Submission
from ..permissions import Refusal
from ..states import FOLLOWED, State


@dataclass(frozen=True)
class Action:
    """Whether it fits the state at all; ``why_not`` is empty when the person may do it."""

    shown: bool
    why_not: str

    @property
    def is_open(self) -> bool:
        return self.shown and not self.why_not


@dataclass(frozen=True)
class Actions:
    cancel: Action
    retry: Action
    link: Action
    link_until: datetime | None
    cancel_means: str
    needs_password: bool
    phrase: str
    retry_id: UUID  # so that a second click doesn't submit a second time
    same: list[SameEffect]  # as what another try does


_CANCEL_MEANS = {
    State.SENDING: "sending",
    **dict.fromkeys(FOLLOWED, "at_koodrive"),
}


def actions(by: Actor, row: Submission) -> Actions:
    retry = _action(permissions.retry(by, row), shown=row.is_final)
    left = submissions.left_of(row) if retry.is_open or row.kind.irreversible else []
    return Actions(
        cancel=_action(permissions.cancel(by, row), shown=not row.is_final),
        retry=retry,
        link=_action(_link(by, row), shown=row.operation == "package"),
        link_until=row.download_link.expires_at if hasattr(row, "download_link") else None,
        cancel_means=_CANCEL_MEANS.get(row.state, "unsent"),
        needs_password="password" in row.document,
        phrase=care.phrase(len(left), {row.source_space}) if row.kind.irreversible else "",
        retry_id=uuid.uuid4(),
        same=effects.of_files(row.operation, [file.file_id for file in left], by=by, but=row.pk)
        if retry.is_open
        else [],
    )


def _link(by: Actor, row: Submission) -> Refusal:
    # The predicate reads the link, of which only a package has one.
    return permissions.load_package(by, row) if row.operation == "package" else None


def _action(refusal: PortalError | None, *, shown: bool) -> Action:
    return Action(shown, refusal.detail if refusal else "")
