"""Filters of the list that people keep for themselves, or for everybody who sees the list."""

from django.db.models import Q, QuerySet
from django.http import QueryDict

from . import listing, permissions
from .actors import Actor
from .documents import FORBIDDEN
from .errors import Invalid, NotFound, Problem
from .models import SavedFilter

LONGEST_NAME, LONGEST_QUERY = 60, 2000
MOST = 30  # of one person's
SHOWN = 60
# What a page puts into the address besides filters.
_PLACES = ("cursor",)


def seen_by(by: Actor) -> "QuerySet[SavedFilter]":
    """Their own, and those that others share."""
    return SavedFilter.objects.filter(Q(person=by.key) | Q(is_shared=True)).select_related("person")[:SHOWN]


def keep(name: str, query: str, *, is_shared: bool, by: Actor) -> SavedFilter:
    """Keeps it under this name, in place of one of theirs that has it already; raises ``NotAllowed`` or ``Invalid``."""
    permissions.require(permissions.read_submissions(by), by=by, to="keep a filter")
    said, wanted = name.strip(), QueryDict(query, mutable=True)
    for place in _PLACES:
        wanted.pop(place, None)
    if not said or len(said) > LONGEST_NAME or FORBIDDEN.search(said):
        raise Invalid([Problem("/name", "invalid", f"Give a name of at most {LONGEST_NAME} characters.")])
    problems = []
    if len(query) > LONGEST_QUERY:
        problems.append(Problem("/query", "too_long", f"A filter has at most {LONGEST_QUERY} characters."))
    own = SavedFilter.objects.filter(person=by.key)
    if not own.filter(name=said).exists() and own.count() >= MOST:
        problems.append(Problem("/name", "too_many", f"You keep {MOST} filters already; forget one first."))
    if problems:
        raise Invalid(problems)
    listing.filtered(permissions.visible_to(by), dict(wanted.lists()))
    kept, _made = SavedFilter.objects.update_or_create(
        person_id=by.key, name=said, defaults={"query": wanted.urlencode(), "is_shared": is_shared}
    )
    return kept


def forget(pk: int, *, by: Actor) -> None:
    """Forgets one of their own; raises ``NotFound``."""
    if not SavedFilter.objects.filter(pk=pk, person=by.key).delete()[0]:
        raise NotFound
