"""What every page shows around its own content."""

from typing import Any

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from .. import pauses, permissions, spaces
from ..actors import Role
from ..models import Pause, Submission, User
from ..notices import inbox
from ..states import State
from . import navigation
from .actor import actor_of


def portal(request: HttpRequest) -> dict[str, Any]:
    """Nothing here may fail where the database does: error pages are shown with it too."""
    # A service that asks for a page of the API is no person.
    if not isinstance(getattr(request, "user", None), User):
        return {"is_demo": settings.IS_DEMO, "version": settings.PORTAL_VERSION}
    actor = actor_of(request)
    return {
        "is_demo": settings.IS_DEMO,
        "version": settings.PORTAL_VERSION,
        "actor": actor,
        "menus": navigation.menus(actor, request.path),
        "may_submit": permissions.submit(actor) is None,
        "is_approver": Role.APPROVER in actor.roles,
        "may_read_trail": permissions.read_trail(actor) is None,
        "may_manage_services": permissions.manage_services(actor) is None,
        "pauses": _pauses(),
        "unread_notices": inbox.unread(actor.key),
        "need_a_person": _need_a_person() if Role.OPERATOR in actor.roles else 0,
        "waiting_for_me": _waiting_for(actor.key) if Role.APPROVER in actor.roles else 0,
    }


def _pauses() -> list[tuple[Pause, str, str]]:
    """Each pause, how it ends, and what its space is called, if it is of one that has a name."""
    found = pauses.all_current()
    named = [pause.space for pause in found if pause.space]
    names = spaces.names(named) if named else {}
    return [(pause, pauses.HOW_IT_ENDS[pause.cause], names.get(pause.space, "")) for pause in found]


def _need_a_person() -> int:
    """Those of unknown outcome for which the portal has ceased to look by itself."""
    return Submission.objects.filter(status=State.UNKNOWN, due_at=None).count()


def _waiting_for(person: int) -> int:
    """How many decisions; a batch is one, however many members it has."""
    waiting = Submission.objects.filter(status=State.AWAITING_APPROVAL).exclude(accountable=person)
    waiting = waiting.exclude(service__owner=person)
    found = waiting.aggregate(decisions=Count(Coalesce("batch_id", "id"), distinct=True))
    return int(found["decisions"])
