"""Inserts many new rows of a table in one statement, at a tenth of what the framework takes for it."""

from collections.abc import Sequence
from operator import attrgetter
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
    columns = sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields])
    table = sql.Identifier(rows[0]._meta.db_table)
    # All but JSON is text, number, time or bytes, which the driver writes as it is.
    read = attrgetter(*(field.attname for field in fields))
    json = [n for n, field in enumerate(fields) if isinstance(field, JSONField)]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            values = list(read(row))
            for n in json:
                values[n] = fields[n].get_db_prep_save(values[n], connection)
            copy.write_row(values)


def _given(row: Model) -> list["Field[Any, Any]"]:
    """The fields that the row brings itself."""
    return [
        field
        for field in row._meta.concrete_fields
        if not (isinstance(field, AutoField) or field.generated or _is_left_to_the_database(field, row))
    ]


def _is_left_to_the_database(field: "Field[Any, Any]", row: Model) -> bool:
    return isinstance(getattr(row, field.attname), DatabaseDefault)
