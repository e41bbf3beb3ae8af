"""The page that leads administrators from an empty portal to its first harmless task."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .. import permissions, set_up
from .actor import actor_of


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    by = actor_of(request)
    permissions.require(permissions.manage_people(by), by=by, to="see the set-up")
    steps = set_up.steps()
    return render(request, "set_up.html", {"steps": steps, "done": sum(is_done for _step, is_done in steps)})
