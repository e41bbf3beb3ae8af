"""The pages of callbacks: where each service gets its notices, how delivery goes, and what can be done about it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from .. import permissions, receivers
from ..actors import Actor
from ..callbacks import log
from ..errors import Invalid, NotFound, Problem, WrongState
from ..models import Callback, Service
from ..receivers import Secret
from .actor import actor_of
from .pages import with_cursor

# What a verb gives back: what to say, or a secret to show.
Said = str | Secret


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Every service, with its callback if it has one."""
    _require(request)
    services = list(Service.objects.select_related("callback").order_by("name"))
    callbacks = [each.callback for each in services if hasattr(each, "callback")]
    waiting = log.waiting(*callbacks)
    rows = [(each, waiting.get(each.callback.pk) if hasattr(each, "callback") else None) for each in services]
    return render(request, "callbacks.html", {"rows": rows})


@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One service's callback with its log; ``state`` narrows it."""
    _require(request)
    return _page(request, _service(pk))


@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Does what the button says, and leads back to the page with what came of it."""
    by, do = actor_of(request), _VERBS.get(verb)
    permissions.require(permissions.run_callbacks(by), by=by, to="change a callback")
    service = _service(pk)
    if do is None:
        raise NotFound
    try:
        said = do(request, service, by)
    except Invalid as error:
        return _page(request, service, error.problems)
    except WrongState as error:
        messages.error(request, error.detail)
        return redirect("callback", pk)
    if isinstance(said, Secret):
        return render(request, "callback_secret.html", {"service": service, "secret": said})
    messages.success(request, said)
    return redirect("callback", pk)


def _require(request: HttpRequest) -> None:
    by = actor_of(request)
    permissions.require(permissions.see_callbacks(by), by=by, to="see callbacks")


def _service(pk: int) -> Service:
    found = Service.objects.select_related("callback__set_by").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _page(request: HttpRequest, service: Service, problems: Sequence[Problem] = ()) -> HttpResponse:
    callback: Callback | None = getattr(service, "callback", None)
    state = request.GET.get("state", "")
    found = log.page(callback, state=state, cursor=request.GET.get("cursor", "")) if callback else None
    context = {
        "service": service,
        "callback": callback,
        "waiting": log.waiting(callback).get(callback.pk) if callback else None,
        "rows": found.rows if found else [],
        "older": with_cursor(request, found.older) if found else None,
        "state": state,
        "may_change": permissions.run_callbacks(actor_of(request)) is None,
        "problems": problems,
        "typed": request.POST.get("url", callback.url if callback else ""),
        "yesterday": timezone.now() - timedelta(days=1),
    }
    return render(request, "callback.html", context, status=400 if problems else 200)


def _set(request: HttpRequest, service: Service, by: Actor) -> Said:
    secret = receivers.put(service, request.POST.get("url", ""), by=by)
    return secret or _("The notices go to this address from now on.")


def _remove(request: HttpRequest, service: Service, by: Actor) -> Said:
    receivers.remove(service, by=by)
    return _("The callback is removed; its service gets no notices any more.")


def _pause(request: HttpRequest, service: Service, by: Actor) -> Said:
    receivers.pause(service, reason=request.POST.get("reason", ""), by=by)
    return _("No notices are sent until somebody resumes; what happens meanwhile is kept.")


def _resume(request: HttpRequest, service: Service, by: Actor) -> Said:
    receivers.resume(service, by=by)
    return _("Notices are sent again, the oldest first.")


def _test(request: HttpRequest, service: Service, by: Actor) -> Said:
    receivers.test(service, by=by)
    return _("A test notice is on its way; load the page again to see what came of it.")


def _rotate(request: HttpRequest, service: Service, by: Actor) -> Said:
    return receivers.rotate(service, by=by)


def _resend(request: HttpRequest, service: Service, by: Actor) -> Said:
    given = request.POST.get("delivery", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise NotFound
    receivers.resend(service, int(given), by=by)
    return _("The notice is sent again.")


def _resend_failed(request: HttpRequest, service: Service, by: Actor) -> Said:
    count = receivers.resend_failed(service, since=_moment(request.POST.get("since", "")), by=by)
    if not count:
        return _("None was given up since then.")
    return ngettext("%(n)s notice is sent again.", "%(n)s notices are sent again.", count) % {"n": count}


def _moment(text: str) -> datetime:
    """A time that was typed, in the person's zone."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid([Problem("/since", "invalid", _("Give a day and a time, such as 2030-01-31 12:00."))])
    return moment if moment.tzinfo else timezone.make_aware(moment)


_VERBS: dict[str, Callable[[HttpRequest, Service, Actor], Said]] = {
    "set": _set,
    "remove": _remove,
    "pause": _pause,
    "resume": _resume,
    "test": _test,
    "rotate": _rotate,
    "resend": _resend,
    "resend-failed": _resend_failed,
}
