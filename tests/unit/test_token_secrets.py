"""A secret has a form that a scanner knows, and a slip in it shows without the database."""

import re
import zlib

import pytest

from jobs_app import token_secrets


def test_a_new_one_has_256_random_bits_and_its_checksum() -> None:
    secrets = {token_secrets.new() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert re.fullmatch(r"kdp_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}", secret)
        assert not token_secrets.is_mistyped(secret)


def test_the_checksum_is_the_crc_32_in_base_62() -> None:
    random = "A" * 43
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in token_secrets._checksum(random):
        number = number * 62 + digits.index(digit)
    assert number == zlib.crc32(random.encode())


@pytest.mark.parametrize("place", range(4, 53))
def test_any_one_wrong_character_shows(place: int) -> None:
    secret = token_secrets.new()
    other = "B" if secret[place] == "A" else "A"
    assert token_secrets.is_mistyped(secret[:place] + other + secret[place + 1 :])


@pytest.mark.parametrize("secret", ["", "demo", "kdp_", "kdp_" + "A" * 43, "kdp_" + "A" * 48, "kdq_" + "A" * 49])
def test_of_another_form_only_the_database_knows(secret: str) -> None:
    assert not token_secrets.is_mistyped(secret)


def test_what_is_kept_is_the_sha_256() -> None:
    assert token_secrets.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
