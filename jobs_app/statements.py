"""Statements that PostgreSQL plans once for each connection, and which constraint it was that refused one."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections


def rows(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows that it gives; the values go to the database beside its text, which it reads and plans only once.

    Where Django logs statements its own cursor carries it out, so that it is logged with its values.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged:
        with database.cursor() as logged:
            logged.execute(statement, parameters)
            return list(logged.fetchall())
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_no_broken_transaction()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        return cursor.execute(statement, parameters).fetchall()


def refused_by(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a statement, also of one that a trigger names."""
    return error.__cause__.diag.constraint_name if isinstance(error.__cause__, psycopg.Error) else None
