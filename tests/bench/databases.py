"""Copies of the run's database, to measure things that can't stand in one: each is gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections
from psycopg import sql


class Database:
    """A copy of the run's database."""

    def __init__(self, name: str) -> None:
        self.name = name

    def use(self) -> None:
        """From now on Django's connections lead to it."""
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = self.name


@contextmanager
def copies(*names: str) -> Iterator[list[Database]]:
    """A copy of the run's database for each name."""
    original = Database(connections["owner"].settings_dict["NAME"])
    made = [Database(f"{original.name}_{name}") for name in names]
    try:
        for database in made:
            _maintain("CREATE DATABASE {} TEMPLATE {}", database.name, original.name)
        yield made
    finally:
        for database in made:
            # Without FORCE, which wants a superuser as soon as a vacuum of the server is at work in it.
            _maintain("DROP DATABASE IF EXISTS {}", database.name)
        original.use()


def _maintain(statement: str, *names: str) -> None:
    """Runs a statement about whole databases from outside of them."""
    connections.close_all()
    known = connections["owner"].get_connection_params() | {"dbname": "postgres"}
    wanted = {key: known[key] for key in ("host", "port", "user", "password", "dbname") if known.get(key)}
    with psycopg.connect(**wanted, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
