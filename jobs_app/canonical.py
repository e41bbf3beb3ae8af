"""The canonical form of a JSON document (RFC 8785) and its hash: what a request is recognised by."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, overload

import rfc8785


def sha256(document: Mapping[str, Any]) -> str:
    """64 hexadecimal digits over the canonical bytes; key order and white space make no difference."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


@overload
def moment(value: datetime) -> str: ...
@overload
def moment(value: datetime | None) -> str | None: ...
def moment(value: datetime | None) -> str | None:
    """A time as it stands in JSON: UTC, RFC 3339."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None
