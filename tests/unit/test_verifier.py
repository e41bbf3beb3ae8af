"""The verifier's own Ed25519, of the standard library alone, says what everybody else's does."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs_app.audit import keys, verifier

# RFC 8032, 7.1: secret key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("secret", "message", "signature"), VECTORS)
def test_the_standards_examples_are_good(secret: str, message: str, signature: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).public_key().public_bytes_raw()
    assert verifier.ed25519_verify(key, bytes.fromhex(message), bytes.fromhex(signature))


def test_it_agrees_with_the_library_on_good_and_on_spoiled_signatures() -> None:
    chance = random.Random(8032)
    for _ in range(100):
        private = Ed25519PrivateKey.generate()
        key, message = keys.raw(private), chance.randbytes(chance.randrange(400))
        signature = private.sign(message)
        assert verifier.ed25519_verify(key, message, signature)
        spoiled = bytearray(key + signature + message)
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
        key, signature, message = bytes(spoiled[:32]), bytes(spoiled[32:96]), bytes(spoiled[96:])
        assert not verifier.ed25519_verify(key, message, signature)
        assert not keys.verify(key, message, signature)


def test_a_second_form_of_the_same_signature_is_refused() -> None:
    private = Ed25519PrivateKey.generate()
    signature = private.sign(b"text")
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not verifier.ed25519_verify(keys.raw(private), b"text", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize(("key", "signature"), [(b"", b"x" * 64), (b"x" * 32, b""), (b"\xff" * 32, b"x" * 64)])
def test_what_is_no_key_or_no_signature_is_refused(key: bytes, signature: bytes) -> None:
    assert not verifier.ed25519_verify(key, b"text", signature)
