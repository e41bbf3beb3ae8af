"""What every page shows around its own content."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .. import badges, pauses, permissions, spaces
from ..actors import Role
from ..models import Pause, User
from . import navigation
from .actor import actor_of


def portal(request: HttpRequest) -> dict[str, Any]:
    """Nothing here may fail where the database does: error pages are shown with it too."""
    # A service that asks for a page of the API is no person.
    if not isinstance(getattr(request, "user", None), User):
        return {"is_demo": settings.IS_DEMO, "version": settings.PORTAL_VERSION}
    actor = actor_of(request)
    waits = badges.of(actor)
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
        "unread_notices": waits.unread,
        "need_a_person": waits.unknown,
        "waiting_for_me": waits.decisions,
    }


def _pauses() -> list[tuple[Pause, str, str]]:
    """Each pause, how it ends, and what its space is called, if it is of one that has a name."""
    found = pauses.all_current()
    named = [pause.space for pause in found if pause.space]
    names = spaces.names(named) if named else {}
    return [(pause, pauses.HOW_IT_ENDS[pause.cause], names.get(pause.space, "")) for pause in found]
