"""Makes and inserts new rows, one or many in one statement, at a tenth of what the framework takes for it."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, Field, JSONField, Model
from django.db.models.base import ModelState
from psycopg import sql

Row = TypeVar("Row", bound=Model)


def maker(model: type[Row]) -> Callable[..., Row]:
    """Makes new rows of this model with the columns that it is given; the others have the defaults of one row.

    So what must differ, such as an id, has to be given. What is worked out from others may be given as well, under the
    name of its ``cached_property``.
    """
    empty = vars(model())

    def make(**columns: Any) -> Row:
        row = model.__new__(model)
        row.__dict__ = {**empty, "_state": ModelState(), **columns}
        return row

    return make


def insert(model: type[Model], rows: Iterable[Model]) -> None:
    """Stores new rows of one model, in the caller's transaction, while later ones may still be made.

    What the database fills in by itself (numbers, times of creation) is left to it, and isn't read back.
    """
    table, database = _table(model), connections[DEFAULT_DB_ALIAS]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table.name, table.columns)
    with database.cursor() as cursor, database.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(table.values(row, database))


def part(row: Model, *, where: str) -> tuple[str, list[Any]]:
    """An INSERT of one new row as a part of a statement, made where that is true, and its parameters.

    It returns the row's key and what the database filled in, for ``fill_in``.
    """
    table, database = _table(type(row)), connections[DEFAULT_DB_ALIAS]
    # Null is what a column has that isn't named; so there is less to send and to read.
    given = {
        name: value for name, value in zip(table.names, table.values(row, database), strict=True) if value is not None
    }
    columns, values = ", ".join(given), ", ".join(["%s"] * len(given))
    insertion = f"INSERT INTO {table.quoted} ({columns}) SELECT {values} WHERE {where} RETURNING {table.returned}"
    return insertion, list(given.values())


def fill_in(row: Model, columns: Sequence[Any]) -> None:
    """Has the row know that it is stored, and what its INSERT returned."""
    row.__dict__.update(zip(_table(type(row)).filled_in, columns, strict=True))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


class _Table:
    """What inserting into a model's table needs to know of it."""

    def __init__(self, model: type[Model]) -> None:
        given = [field for field in model._meta.concrete_fields if not _is_left_to_the_database(field)]
        others = [field for field in model._meta.concrete_fields if _is_left_to_the_database(field)]
        self.name, self.columns = sql.Identifier(model._meta.db_table), _columns(given)
        key = model._meta.pk
        known = [key, *(field for field in others if field is not key)]
        self.filled_in, self.returned = [field.attname for field in known], _columns(known).as_string()
        self.quoted = self.name.as_string()
        self.names = [sql.Identifier(str(field.column)).as_string() for field in given]
        # All but JSON is text, number, time or bytes, which the driver writes as it is.
        self._read = itemgetter(*(field.attname for field in given))
        self._json = [(n, field) for n, field in enumerate(given) if isinstance(field, JSONField)]

    def values(self, row: Model, database: BaseDatabaseWrapper) -> list[Any]:
        values = list(self._read(row.__dict__))
        for n, field in self._json:
            if values[n] is not None:
                values[n] = field.get_db_prep_save(values[n], database)
        return values


_table = cache(_Table)


def _columns(fields: "Sequence[Field[Any, Any]]") -> sql.Composable:
    return sql.SQL(", ").join([sql.Identifier(str(field.column)) for field in fields])


def _is_left_to_the_database(field: "Field[Any, Any]") -> bool:
    return isinstance(field, AutoField) or field.generated or field.has_db_default()
