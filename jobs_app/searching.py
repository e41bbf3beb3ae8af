"""Searching the trail, for auditors: whoever looks is told of in the trail as well, once for each search."""

from django.db import connection

from . import audit, permissions
from .actors import Actor
from .audit import Action, pages, read
from .audit.pages import Page
from .audit.read import Line
from .audit.search import Query
from .errors import NotFound

# A search that somebody repeats or goes on with within this time is no new one; nor is the opening of what it found.
_SAME = "1 hour"
_LATEST = 500  # searches among which the same one is looked for


def require(by: Actor) -> None:
    """Raises ``NotAllowed`` for who may not search, before anything is read of what they want."""
    permissions.require(permissions.read_trail(by), by=by, to="read the trail")


def search(query: Query, *, cursor: str = "", limit: int = pages.PAGE, by: Actor) -> Page:
    """A page of what the query finds, newest first; raises ``NotAllowed``, or ``Invalid`` for the cursor."""
    require(by)
    found = pages.page(query, cursor=cursor, limit=limit)
    _tell(query.line, by)
    return found


def onwards(query: Query, *, after: int, limit: int, by: Actor) -> tuple[list[Line], int | None]:
    """What ``audit.pages.sealed`` gives; raises ``NotAllowed``."""
    require(by)
    found = pages.sealed(query, after=after, limit=limit)
    _tell(query.line, by)
    return found


def event(seq: int, *, by: Actor) -> Line:
    """One event; raises ``NotAllowed`` or ``NotFound``."""
    require(by)
    line = read.line(seq)
    if line is None:
        raise NotFound
    if not _has_told(None, by):
        _tell(f"event {seq}", by)
    return line


def _tell(text: str, by: Actor) -> None:
    if not _has_told(text, by):
        audit.record(Action.TRAIL_QUERIED, by=by, query=text)


def _has_told(text: str | None, by: Actor) -> bool:
    """Whether the trail tells already that this actor searched for this of late; for None, for anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM (SELECT actor, at, line FROM audit.event WHERE action = %s "
            "ORDER BY seq DESC LIMIT %s) AS latest WHERE actor = %s AND at > clock_timestamp() - %s::interval "
            "AND (%s::text IS NULL OR line::jsonb->'event'->>'query' = %s))",
            [Action.TRAIL_QUERIED, _LATEST, by.id, _SAME, text, text],
        )
        return bool(cursor.fetchone()[0])
