"""Who else does the same? Open and recent submissions of anybody with the same operation on some of the same files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import Now

from . import permissions, states
from .actors import Actor
from .models import Submission
from .validators import Request

RECENT = timedelta(days=7)
SHOWN = 20
_SHARED = "shared"


@dataclass(frozen=True)
class SameEffect:
    """A submission that does the same to ``files`` of the files; ``row`` is None when it may not be seen."""

    row: Submission | None
    status: str
    files: int


def same(requests: Sequence[Request], *, by: Actor, but: UUID | None = None) -> list[SameEffect]:
    """The newest of them, without ``but``; what ended without having done anything isn't one.

    The requests are submitted together and are all of one operation.
    """
    files = [file.file_id for request in requests for file in request.files]
    return of_files(requests[0].operation.name, files, by=by, but=but)


def of_files(operation: str, files: Sequence[str], *, by: Actor, but: UUID | None = None) -> list[SameEffect]:
    """Those that do the same as this operation on files with these ids."""
    found = (
        Submission.objects.with_people()
        .filter(operation=operation, files__file_id__in=files)
        .filter(~Q(status__in=states.FINAL) | Q(status__in=states.DONE, created_at__gte=Now() - RECENT))
        .exclude(pk__in=[but] if but else [])
        .annotate(**{_SHARED: Count("files")})
        .order_by("-created_at")[:SHOWN]
    )
    seen = set(permissions.visible_to(by).filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True))
    return [SameEffect(row if row.pk in seen else None, row.status, getattr(row, _SHARED)) for row in found]
