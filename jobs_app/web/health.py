"""Is it well: for load balancers and containers in a word, for people on a page, with the switch that stops sending."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from .. import health, metrics, pauses, permissions, spaces
from ..errors import Invalid, WrongState
from ..operations import OPERATIONS
from .actor import actor_of

# Who may open the page that a sign leads to, and so see the sign.
_SEEN_BY = {
    "callbacks": permissions.see_callbacks,
    "credentials": permissions.set_credentials,
    "foreign": permissions.see_foreign,
    "people": permissions.see_people,
    "tokens": permissions.manage_services,
}


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part works, else 503 with the reasons; with ``part=web``, whether this server could serve."""
    reasons = health.unready(only_web=request.GET.get("part") == "web")
    return JsonResponse({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which shows PORTAL_METRICS_TOKEN; only a demo, which nobody reaches from elsewhere, has none."""
    shown, wanted = request.headers.get("Authorization", ""), settings.METRICS_TOKEN
    if not (constant_time_compare(shown, f"Bearer {wanted}") if wanted else settings.IS_DEMO):
        return HttpResponseNotFound("not found\n", content_type="text/plain")
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    by = actor_of(request)
    permissions.require(permissions.see_health(by), by=by, to="see health")
    context = {
        "signs": [sign for sign in health.look() if sign.page not in _SEEN_BY or _SEEN_BY[sign.page](by) is None],
        "counts": health.counts(),
        "operations": OPERATIONS,
        "known_spaces": spaces.to_choose(),
        "why_not_pause": permissions.pause(by),
        "why_not_resume": permissions.resume(by),
    }
    return render(request, "health.html", context)


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Stops what the form names, or all sending."""
    scope = _scope(request)
    everything = _("All sending is paused; an administrator resumes it.")
    said = _("What you named is paused; an administrator resumes it.") if any(scope.values()) else everything
    return _switched(request, lambda reason: pauses.stop(reason, by=actor_of(request), **scope), said)


@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Ends a person's pause."""
    said = _("The pause is over; whatever waits is sent next, unless something else holds it back.")
    return _switched(
        request, lambda reason: pauses.resume(reason=reason, by=actor_of(request), **_scope(request)), said
    )


def _scope(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").strip() for name in ("operation", "space")}


def _switched(request: HttpRequest, verb: Callable[[str], None], said: str) -> HttpResponse:
    """Back to the page, with what was done or why it wasn't."""
    try:
        verb(request.POST.get("reason", ""))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
    except WrongState as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, said)
    return redirect("health")
