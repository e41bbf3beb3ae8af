"""One's own notices: the page that lists them, marking them as read, and choosing which ones one gets."""

from datetime import datetime
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from .. import canonical
from ..documents import instant
from ..models import User
from ..notices import inbox
from .pages import with_cursor


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    found = inbox.page(_person(request).pk, cursor=request.GET.get("cursor", ""))
    context = {
        "page": found,
        "older": with_cursor(request, found.older),
        "is_first": "cursor" not in request.GET,
        "upto": canonical.moment(timezone.now()),
    }
    return render(request, "notices.html", context)


@require_POST
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Notes that it was read, and leads to the page that tells more, or back to the list with ``stay``."""
    path = inbox.read(_person(request).pk, pk)
    return redirect("notices" if "stay" in request.POST else path)


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Notes that everything was read that stood there when the page was loaded."""
    upto: datetime | None = instant(request.POST.get("upto", ""))
    count = inbox.read_all(_person(request).pk, upto=upto) if upto else 0
    messages.success(request, ngettext("%(n)s notice is read.", "%(n)s notices are read.", count) % {"n": count})
    return redirect("notices")


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.getlist
    inbox.choose(_person(request), in_portal=chosen("portal"), by_mail=chosen("mail"))
    messages.success(request, _("Saved. It holds for what happens from now on."))
    return redirect("mfa_index")
