"""JSON in, strictly: what two readers could understand differently is refused."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is larger than 12 MB; split it."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Refuses repeated keys, NaN and Infinity, other encodings than UTF-8, and bodies above the upload limit."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(largest + 1)
        if len(body) > largest:
            raise TooLarge
        try:
            return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise ParseError("The body isn't UTF-8; send JSON in UTF-8.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply; no request needs more than four levels.") from error
        except ValueError as error:
            raise ParseError(f"The body isn't valid JSON: {error}.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
