"""Inserts many new rows of a table in one statement, at a tenth of what the framework takes for it."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, JSONField, Model
from psycopg import sql


def insert(model: type[Model], rows: Iterable[Model]) -> None:
    """Stores new rows of one model, in the caller's transaction, while later ones may still be made.

    What the database fills in by itself (numbers, times of creation) is left to it, and isn't read back.
    """
    fields = [field for field in model._meta.concrete_fields if not _is_left_to_the_database(field)]
    columns = sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), columns)
    # All but JSON is text, number, time or bytes, which the driver writes as it is.
    read = attrgetter(*(field.attname for field in fields))
    json = [n for n, field in enumerate(fields) if isinstance(field, JSONField)]
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            values = list(read(row))
            for n in json:
                values[n] = fields[n].get_db_prep_save(values[n], connection)
            copy.write_row(values)


def _is_left_to_the_database(field: "Field[Any, Any]") -> bool:
    return isinstance(field, AutoField) or field.generated or field.has_db_default()
