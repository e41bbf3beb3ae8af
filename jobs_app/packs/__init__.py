"""The cover sheets of an evidence pack: what the events of an archive tell, in words, in English and in Chinese."""

from .sheets import sheets

__all__ = ["sheets"]
