"""The sealer's key, and the public keys that seals are checked with.

All raise ImproperlyConfigured with a sentence when a key is missing or can't be read.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import verifier


def private() -> Ed25519PrivateKey:
    """The key that signs. It must be one of the public keys, or nobody could check what it signs."""
    if not settings.AUDIT_KEY:
        raise ImproperlyConfigured("PORTAL_AUDIT_KEY is not set; give the sealer its Ed25519 key (PEM).")
    try:
        key = load_pem_private_key(settings.AUDIT_KEY.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured("PORTAL_AUDIT_KEY is no private key in PEM without a password.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("PORTAL_AUDIT_KEY is not an Ed25519 key; make one as docs/verify.md says.")
    if settings.AUDIT_PUBLIC_KEYS and verifier.key_id(raw(key)) not in public():
        raise ImproperlyConfigured("PORTAL_AUDIT_PUBLIC_KEYS lacks the key of PORTAL_AUDIT_KEY; add it in front.")
    return key


def public() -> dict[str, bytes]:
    """The keys that a seal may be signed with, by their id."""
    if settings.AUDIT_PUBLIC_KEYS:
        try:
            return verifier.read_keys(settings.AUDIT_PUBLIC_KEYS)
        except verifier.Unreadable as error:
            raise ImproperlyConfigured("PORTAL_AUDIT_PUBLIC_KEYS holds what is not 64 hexadecimal digits.") from error
    if not settings.IS_DEMO:
        raise ImproperlyConfigured("PORTAL_AUDIT_PUBLIC_KEYS is not set; name the sealer's public keys (hex).")
    key = raw(private())
    return {verifier.key_id(key): key}


def raw(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of its public part."""
    return key.public_key().public_bytes_raw()


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """What ``verifier.ed25519_verify`` does, many times faster."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
