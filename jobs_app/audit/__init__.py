"""The audit trail: ``record`` is its only writer, ``read`` what others ask of it."""

from .actions import MEANINGS, Action
from .record import Entry, Receipt, make_partitions, record, record_all, record_with

__all__ = ["MEANINGS", "Action", "Entry", "Receipt", "make_partitions", "record", "record_all", "record_with"]
