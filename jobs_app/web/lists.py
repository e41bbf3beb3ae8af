"""The list of submissions, the rows that refresh themselves, and the filters that people keep."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from .. import filters, listing, permissions
from ..actors import Actor
from ..errors import Invalid
from ..listing import Page
from ..models.submissions import SubmissionQuerySet
from ..operations import OPERATIONS
from ..states import LABELS
from .actor import actor_of
from .pages import with_cursor

RECENT = timedelta(days=7)
MOST_NEWER = 99
# Whoever asks for one of these looks for something certain, however old it is.
_CERTAIN = frozenset({"since", "until", "updatedSince", "taskId", "fileId", "reference", "batch", "retryOf"})
_NO_FILTERS = frozenset({"cursor", "when"})
_OF_THE_PAGE = _NO_FILTERS | {"mine"}


@dataclass(frozen=True)
class Choice:
    """One of what the list can show, beside its filters."""

    label: str
    address: str
    is_chosen: bool


@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """The list, as the address narrows it; the same filters as the API's, and the last seven days unless it says so."""
    by = actor_of(request)
    page = listing.page(_wanted(request.GET, by), cursor=request.GET.get("cursor", ""))
    is_recent, is_filtered = _is_recent(request.GET), bool(_given(request.GET).keys() - _NO_FILTERS)
    context = {
        "page": page,
        "older": with_cursor(request, page.older),
        "newer": with_cursor(request, page.newer),
        "choices": _choices(request, is_recent=is_recent),
        "all_address": _with(request, when="all"),
        "live_address": _live_address(request, page),
        "operations": OPERATIONS,
        "states": list(LABELS.items()),
        "is_filtered": is_filtered,
        "is_recent": is_recent,
        "filter_query": _with(request).removeprefix("?"),
        "table_query": urlencode(_parameters(request.GET, by), doseq=True),
        "saved": filters.seen_by(by),
    }
    return render(request, "submissions.html", context)


@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """The rows that a list shows as they are now, in their order, and how many newer ones there are."""
    by = actor_of(request)
    ids = [UUID(each) for each in request.GET.getlist("id")[: listing.LONGEST_PAGE] if _is_id(each)]
    found = {row.pk: row for row in permissions.visible_to(by).for_rows().filter(pk__in=ids)}
    shown = [found[each] for each in ids if each in found]
    wanted = QueryDict(request.GET.get("of", ""))
    context = {
        "rows": shown,
        "live_address": request.get_full_path(),
        "newer": _newer(_wanted(wanted, by), shown) if "cursor" not in wanted else 0,
        "newest_address": f"{reverse('submissions')}?{wanted.urlencode()}",
    }
    return render(request, "components/rows_live.html", context)


@require_POST
def keep_filter(request: HttpRequest) -> HttpResponse:
    name, query = request.POST.get("name", ""), request.POST.get("query", "")
    try:
        kept = filters.keep(name, query, is_shared="shared" in request.POST, by=actor_of(request))
    except Invalid as error:
        messages.error(request, " ".join(problem.detail for problem in error.problems))
        return redirect("submissions")
    messages.success(request, _("The filter is kept; its address can be sent to others."))
    return redirect(f"{reverse('submissions')}?{kept.query}")


@require_POST
def forget_filter(request: HttpRequest, pk: int) -> HttpResponse:
    filters.forget(pk, by=actor_of(request))
    messages.success(request, _("The filter is forgotten."))
    return redirect("submissions")


def _wanted(address: QueryDict, by: Actor) -> SubmissionQuerySet:
    return listing.filtered(permissions.visible_to(by).for_rows(), _parameters(address, by))


def _parameters(address: QueryDict, by: Actor) -> dict[str, list[str]]:
    """The list's filters as the API has them."""
    parameters = {name: values for name, values in _given(address).items() if name not in _OF_THE_PAGE}
    if address.get("mine"):
        parameters["createdBy"] = [by.id]
    if _is_recent(address):
        parameters["since"] = [(timezone.now() - RECENT).isoformat()]
    return parameters


def _given(address: QueryDict) -> dict[str, list[str]]:
    return {name: values for name, values in address.lists() if any(values)}


def _is_recent(address: QueryDict) -> bool:
    return address.get("when") != "all" and _CERTAIN.isdisjoint(_given(address))


def _choices(request: HttpRequest, *, is_recent: bool) -> list[Choice]:
    is_own = bool(request.GET.get("mine"))
    return [
        Choice(_("Last 7 days"), _with(request, when=""), is_recent),
        Choice(_("All"), _with(request, when="all"), not is_recent),
        Choice(_("Everybody's"), _with(request, mine=""), not is_own),
        Choice(_("Mine"), _with(request, mine="1"), is_own),
    ]


def _with(request: HttpRequest, **changes: str) -> str:
    """The address of the list with these parameters changed, from its first page on; an empty one is left out."""
    parameters = request.GET.copy()
    for name, value in {"cursor": "", **changes}.items():
        parameters[name] = value
    kept = QueryDict(mutable=True)
    for name, values in _given(parameters).items():
        kept.setlist(name, values)
    return f"?{kept.urlencode()}"


def _live_address(request: HttpRequest, page: Page) -> str:
    parameters = QueryDict(mutable=True)
    parameters.setlist("id", [str(row.pk) for row in page.rows])
    parameters["of"] = request.GET.urlencode()
    return f"{reverse('rows')}?{parameters.urlencode()}"


def _newer(wanted: SubmissionQuerySet, shown: list[Any]) -> int:
    return wanted.filter(created_at__gt=shown[0].created_at)[:MOST_NEWER].count() if shown else 0


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
