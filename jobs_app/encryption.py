"""Encrypts secrets at rest; ``PORTAL_FIELD_KEYS`` holds the keys, the newest first."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def encrypt(text: str) -> bytes:
    return _keys().encrypt(text.encode())


def decrypt(ciphertext: bytes) -> str:
    """Raises ImproperlyConfigured when none of the keys fits."""
    try:
        return _keys().decrypt(ciphertext).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "No key of PORTAL_FIELD_KEYS fits; add the older ones again, behind the newest."
        ) from error


def renewed(ciphertext: bytes) -> bytes | None:
    """The same encrypted with the newest key, None if it is so already; raises what ``decrypt`` raises."""
    newest = Fernet(settings.FIELD_KEYS[0])
    try:
        newest.decrypt(ciphertext)
    except InvalidToken:
        return encrypt(decrypt(ciphertext))
    return None


def require_keys() -> None:
    """Raises ImproperlyConfigured when the keys can't be used."""
    _keys()


def _keys() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(
            "PORTAL_FIELD_KEYS holds something that is no Fernet key: 44 characters, several separated by commas."
        ) from error
