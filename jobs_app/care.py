"""What a person must see and say before a submission: warnings, who else does the same, the phrase of a deletion.

Pages ask for it. A service has no page to read; what may not be undone waits for an approver whoever submits it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from . import effects
from .actors import Actor
from .effects import SameEffect
from .errors import NotReviewed, Problem
from .models import Submission
from .validators import Request


@dataclass(frozen=True)
class Review:
    """What a person did on the page of the review, and which submission the page was filled in from.

    ``shown`` are the submissions with the same effect that the page showed, ``phrase`` is what they typed.
    """

    acknowledged: bool = False
    shown: frozenset[UUID] = frozenset()
    phrase: str = ""
    clone_of: Submission | None = None
    follows: Submission | None = None


def phrase_of(requests: Sequence[Request]) -> str:
    """What has to be typed before these are submitted; empty when none of them is a deletion for good."""
    gone = [request for request in requests if request.operation.irreversible]
    return phrase(sum(len(request.files) for request in gone), {request.source for request in gone})


def phrase(files: int, spaces: set[str]) -> str:
    if not files:
        return ""
    where = next(iter(spaces)) if len(spaces) == 1 else f"{len(spaces)} spaces"
    return f"delete {files} from {where}"


def require_phrase(requests: Sequence[Request], typed: str) -> None:
    """Raises ``NotReviewed`` unless the phrase was typed, whatever white space stands around and between its words."""
    wanted = phrase_of(requests)
    if wanted and typed.split() != wanted.split():
        raise NotReviewed([Problem("/phrase", "phrase_differs", f'Type exactly this: "{wanted}".')])


def require(
    requests: Sequence[Request], review: Review, *, by: Actor, as_id: UUID | None
) -> list[list[dict[str, Any]] | None]:
    """What was acknowledged of each of the requests, which are submitted together; raises ``NotReviewed``.

    It stands there as the event tells it, None where there was nothing. What the submission of the same review has done
    already (``as_id``) isn't somebody else's.
    """
    same = effects.same(requests, by=by, but=as_id)
    ids = [each.row.pk for each in same if each.row]
    has_warnings = any(request.warnings for request in requests)
    if (has_warnings or same) and not (review.acknowledged and review.shown.issuperset(ids)):
        detail = "Read what the page shows, and acknowledge it."
        raise NotReviewed([Problem("/acknowledged", "not_acknowledged", detail)])
    require_phrase(requests, review.phrase)
    return [_told(request, same) or None for request in requests]


def _told(request: Request, same: Sequence[SameEffect]) -> list[dict[str, Any]]:
    """Each kind of warning once, with its text and how often it was given, and the submissions that do the same."""
    texts = {warning.code: warning.detail for warning in request.warnings}
    counts = Counter(warning.code for warning in request.warnings)
    told: list[dict[str, Any]] = [{"code": code, "detail": texts[code], "count": counts[code]} for code in texts]
    if same:
        told.append({"code": "same_effect", "submissions": [str(each.row.pk) for each in same if each.row]})
    return told
