"""JSON in, strictly: what two readers could understand differently is refused. Tables too, where a call takes them."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from .refusals import BodyTooLarge, Malformed


class StrictJSONParser(BaseParser):
    """Refuses repeated keys, NaN and Infinity, other encodings than UTF-8, and bodies above the upload limit."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = _read(stream)
        try:
            return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise Malformed("The body isn't UTF-8; send JSON in UTF-8.") from error
        except RecursionError as error:
            raise Malformed("The body is nested too deeply; no request needs more than four levels.") from error
        except ValueError as error:
            raise Malformed(f"The body isn't valid JSON: {error}.") from error


class TableParser(BaseParser):
    """A table as its text; a byte order mark may stand before it. Refuses what isn't UTF-8 and what is too large."""

    media_type = "text/csv"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return _read(stream).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Malformed("The table isn't UTF-8; save it as CSV in UTF-8.") from error


def _read(stream: IO[bytes]) -> bytes:
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read(largest + 1)
    if len(body) > largest:
        raise BodyTooLarge
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
