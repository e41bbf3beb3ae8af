"""How many events a query finds."""

from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import QueryCanceled

from .search import Query

QUICK = 500  # milliseconds that a page waits for a number
_EVERYTHING = sql.SQL("SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM audit.event")
_COUNT = sql.SQL("SELECT count(*) FROM audit.event WHERE {}")


def about(query: Query) -> int:
    """Exactly so many as a query finds now; for the whole trail about so many, which costs nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERYTHING if query.is_everything else _COUNT.format(query.condition()))
        return int(cursor.fetchone()[0])


def quickly(query: Query) -> int | None:
    """The same, unless it takes too long to count; then None."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(QUICK)])
            return about(query)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise
