"""The canonical form of a JSON document (RFC 8785) and its hash: what a request is recognised by."""

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785


def sha256(document: Mapping[str, Any]) -> str:
    """64 hexadecimal digits over the canonical bytes; key order and white space make no difference."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()
