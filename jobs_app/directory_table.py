"""The directory of spaces as a table (CSV): all of it to be loaded, and one to be taken over whole, or not at all."""

import copy
from collections.abc import Iterator, Mapping

from django.db import transaction

from . import csvs, directory, permissions, validators
from .actors import Actor
from .documents import Reader
from .errors import Invalid, Problem, TooLarge
from .models import Space, User

COLUMNS = ("spaceId", *directory.FIELDS)
MOST_ROWS = 5000
LARGEST = 4 * 1024 * 1024  # bytes


def take_over(content: bytes, *, reason: str, by: Actor) -> tuple[int, int]:
    """Adds the spaces of a table and changes those that are there; says how many of each were named.

    A column that isn't there, and an empty cell, leave what is. A table never loosens a rule. Raises ``NotAllowed``,
    ``TooLarge``, ``Invalid`` with every problem of every line, or ``WrongState``; nothing is done then.
    """
    permissions.require(permissions.manage_spaces(by), by=by, to="import spaces")
    reader = Reader()
    said = validators.collect_reason(reader, reason)
    rows = _rows(content, reader)
    with transaction.atomic():
        ids = [row["spaceId"] for _, row in rows]
        found = Space.objects.select_for_update(of=("self",)).filter(space_id__in=ids).order_by("pk")
        known = {space.space_id: space for space in found}
        owners = directory.people(*(row for _, row in rows))
        changes = [(_space(reader, number, row, known, owners), known.get(row["spaceId"])) for number, row in rows]
        if reader.problems:
            raise Invalid(reader.problems)
        directory.store(changes, by=by, reason=said)
    return len(rows) - len(known), len(known)


def lines() -> Iterator[str]:
    """The whole directory, as ``take_over`` takes it."""
    yield from csvs.lines([COLUMNS])
    for space in Space.objects.select_related("owner").order_by("name", "space_id").iterator():
        told = directory.told(space)
        flags = {
            name: directory.YES if value else directory.NO for name, value in told.items() if value in (True, False)
        }
        owner = space.owner.get_username() if space.owner else ""
        row = told | flags | {"spaceId": space.space_id, "owner": owner}
        yield from csvs.lines([[row[name] for name in COLUMNS]])


def _rows(content: bytes, reader: Reader) -> list[tuple[int, dict[str, str]]]:
    """The lines that can be read, without their empty cells; each space once."""
    if len(content) > LARGEST:
        raise TooLarge("A table of spaces takes at most 5,000 lines and 4 MB; split it into several.")
    text = csvs.decode(content)
    if "\0" in text:
        raise Invalid([Problem("/lines", "malformed", "The table can't be read as text; save it as CSV in UTF-8.")])
    records = list(csvs.records(text))
    if len(records) > MOST_ROWS + 1:
        raise TooLarge("A table of spaces takes at most 5,000 lines and 4 MB; split it into several.")
    names = csvs.header(records, COLUMNS, key="spaceId")
    rows: list[tuple[int, dict[str, str]]] = []
    first: dict[str, int] = {}
    for number, cells in csvs.rows(names, records[1:], reader.problems):
        row = {"spaceId": ""} | {name: csvs.plain(cell) for name, cell in cells.items() if cell}
        here = f"/lines/{number}"
        directory.read_id(reader, here, row["spaceId"])
        if row["spaceId"] and first.setdefault(row["spaceId"], number) != number:
            reader.add(f"{here}/spaceId", "duplicate", f"Name each space once; it is in line {first[row['spaceId']]}.")
        rows.append((number, row))
    if not rows and not reader.problems:
        reader.add("/lines", "empty", "Put at least one line with a space below the names of the columns.")
    return rows


def _space(
    reader: Reader, number: int, row: Mapping[str, str], known: Mapping[str, Space], owners: Mapping[str, User]
) -> Space:
    """What becomes of the space of a line."""
    here, before = f"/lines/{number}", known.get(row["spaceId"])
    space = copy.copy(before) if before else Space(space_id=row["spaceId"])
    values = {name: row[name] for name in directory.FIELDS if name in row}
    directory.read(reader, here, space, values, owners)
    if not before and "name" not in values:
        reader.add(f"{here}/name", "required", "Give a new space a name.")
    for name in directory.loosening(before, space) if before else ():
        detail = "A table can't loosen a rule; do it on the space's own page, where another administrator confirms it."
        reader.add(f"{here}/{name}", "takes_two", detail)
    return space
