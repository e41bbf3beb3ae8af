"""Inserts many new rows of a table in one statement, at a tenth of what the framework takes for it."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault
from psycopg import sql


def insert(rows: Sequence[Model]) -> None:
    """Stores rows of one model, in the caller's transaction.

    What the database fills in by itself (numbers, times of creation) isn't read back into them.
    """
    if not rows:
        return
    fields = _given(rows[0])
    columns = sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    table = sql.Identifier(rows[0]._meta.db_table)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)) as copy:
            for row in rows:
                copy.write_row([_value(field, row) for field in fields])


def _given(row: Model) -> list["Field[Any, Any]"]:
    """The fields that the row brings itself."""
    return [
        field
        for field in row._meta.concrete_fields
        if not (isinstance(field, AutoField) or field.generated or _is_left_to_the_database(field, row))
    ]


def _is_left_to_the_database(field: "Field[Any, Any]", row: Model) -> bool:
    return isinstance(getattr(row, field.attname), DatabaseDefault)


def _value(field: "Field[Any, Any]", row: Model) -> Any:
    """Everything but JSON is text, number, time or bytes, which the driver writes as it is."""
    value = getattr(row, field.attname)
    return field.get_db_prep_save(value, connection) if isinstance(field, JSONField) else value
