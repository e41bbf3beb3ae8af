"""The audit trail: ``record`` is its only writer, ``read`` what others ask of it."""

from .actions import Action
from .record import (
    Change,
    Entry,
    Receipt,
    make_partitions,
    record,
    record_all,
    record_in_turn,
    record_made,
    record_with,
)

__all__ = [
    "Action",
    "Change",
    "Entry",
    "Receipt",
    "make_partitions",
    "record",
    "record_all",
    "record_in_turn",
    "record_made",
    "record_with",
]
