"""What the secret of a token looks like: a prefix to find it by, 256 random bits, and a checksum against slips.

A scanner for leaked secrets, and the API's door, tell a mistyped one from a real one without asking the database. Older
secrets, and those that a demo is given, may have another form; of these only the database knows.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "kdp_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_WHOLE = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{43}})([A-Za-z0-9]{{6}})")


def new() -> str:
    """A new secret: ``kdp_``, 43 random characters (base64url) and 6 of their checksum."""
    random = secrets.token_urlsafe(32)
    return PREFIX + random + _checksum(random)


def is_mistyped(secret: str) -> bool:
    """Whether it has the form of a secret with a checksum, and the checksum is another one."""
    parts = _WHOLE.fullmatch(secret)
    return parts is not None and parts[2] != _checksum(parts[1])


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256, in hexadecimal digits; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(text: str) -> str:
    """The CRC-32 of the text as six digits of base 62, as GitHub's tokens have it."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
