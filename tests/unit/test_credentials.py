"""What stands in the headers that authorise a call, and that no secret shows elsewhere."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs_app.koodrive.credentials import AppSigning, Bearer, canonical_request, host

NOW = datetime(2024, 9, 9, 3, 33, 25, tzinfo=UTC)
BASE = "https://intl.myhuaweicloud-koodrive.com"
HEX = "6ebb6266dd5cdefa1d7126af2eb6173ce0a054d8ba4295be"
USER = "1505084218764547200"
APP = "a378331eca141163119eb602adb67b7802cc79cd33ba44c7d2fe61d1586c96a1"
SECRET = "demo-secret-not-real"


def authorization(token: str, scheme: str = "Bearer ") -> str:
    return Bearer(token, scheme).headers("GET", f"{BASE}/", b"", NOW)["Authorization"]


@pytest.mark.parametrize(
    ("token", "scheme", "expected"),
    [
        (HEX, "Bearer ", f"Bearer {HEX}"),
        (f"  {HEX}\n", "Bearer ", f"Bearer {HEX}"),
        (f"Bearer {HEX}", "Bearer ", f"Bearer {HEX}"),
        (f"bearer {HEX}", "Bearer ", f"bearer {HEX}"),
        (f"AT {HEX}", "Bearer ", f"AT {HEX}"),
        (f"Bearer+{HEX}", "Bearer ", f"Bearer+{HEX}"),
        (HEX, "Bearer+", f"Bearer+{HEX}"),
        (f"Bearer+{HEX}", "Bearer+", f"Bearer+{HEX}"),
        (HEX, "AT ", f"AT {HEX}"),
        (HEX, "", HEX),
        ("abc+def/ghi==", "Bearer ", "Bearer abc+def/ghi=="),
    ],
)
def test_a_token_is_sent_with_exactly_one_scheme_word(token: str, scheme: str, expected: str) -> None:
    assert authorization(token, scheme) == expected


def test_the_user_and_the_date_are_sent_only_with_a_user_id() -> None:
    assert set(Bearer(HEX).headers("GET", BASE, b"", NOW)) == {"Authorization"}
    headers = Bearer(HEX, user_id=USER).headers("GET", BASE, b"", NOW)
    assert headers["X-User-Id"] == USER
    assert headers["X-Date"] == "20240909T033325Z"


def test_the_date_is_utc_whatever_zone_the_clock_has() -> None:
    shanghai = NOW.astimezone(timezone(timedelta(hours=8)))
    assert Bearer(HEX, user_id=USER).headers("GET", BASE, b"", shanghai)["X-Date"] == "20240909T033325Z"


def test_without_a_token_nothing_pretends_to_be_one() -> None:
    assert Bearer("").headers("GET", BASE, b"", NOW) == {}
    assert Bearer("").id == "bearer:none"


@pytest.mark.parametrize("token", ["abc\r\nX-Evil: 1", "abc\x00", "tökén", "abc\tdef"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ValueError, match="token has characters") as refusal:
        Bearer(token)
    assert token not in str(refusal.value)


@pytest.mark.parametrize(
    ("method", "path", "body", "canonical_hash", "signature"),
    [
        (
            "GET",
            "/koodrive/ose/v1/jobs?limit=10&offset=0&status=1&type=2",
            b"",
            "a4e9b204b0eadc1023e5a81cc564dccad1b8c003e1fa7069922076ec3424e5ec",
            "1f877465dbbff6ad07739aebf40d5d6179428e23a5b9d6c8623e40394c81d05a",
        ),
        (
            "POST",
            "/koodrive/ose/v1/cancel",
            b'{"jobId":"1289250105886769024"}',
            "1fe6e9bfcd3f6d175b7bbd48b37995b6f37a2fc16df7cabe20ac7894256570bd",
            "b396fd3aaea1abaef6d7f8742dab26bc721d5f77215cbd588a0ac899e84871e8",
        ),
    ],
)
def test_signing_gives_the_known_signatures(
    method: str, path: str, body: bytes, canonical_hash: str, signature: str
) -> None:
    headers = AppSigning(APP, SECRET, USER).headers(method, BASE + path, body, NOW)
    signed = {name: headers[name] for name in ("Host", "X-Date", "X-User-Id")}
    assert hashlib.sha256(canonical_request(method, BASE + path, body, signed).encode()).hexdigest() == canonical_hash
    assert headers["Authorization"] == (
        f"HMAC-SHA256 AppId={APP},SignedHeaders=host;x-date;x-user-id,Signature={signature}"
    )
    assert headers["Host"] == "intl.myhuaweicloud-koodrive.com"
    assert headers["X-Date"] == "20240909T033325Z"


def test_the_order_of_the_query_does_not_change_the_signature() -> None:
    key = AppSigning(APP, SECRET, USER)
    one, other = (
        key.headers("GET", f"{BASE}/koodrive/ose/v1/jobs?{query}", b"", NOW)["Authorization"]
        for query in ("type=2&status=1&offset=0&limit=10", "limit=10&offset=0&status=1&type=2")
    )
    assert one == other


def test_the_canonical_query_keeps_empty_values_and_encodes_what_is_not_unreserved() -> None:
    lines = canonical_request("GET", f"{BASE}/a%20b?z=&A=%2F~ x", b"", {"Host": "h"}).split("\n")
    assert lines[:4] == ["GET", "/a%20b/", "A=%2F~%20x&z=", "host:h"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host.example/x", "host.example"),
        ("https://host.example:443/x", "host.example"),
        ("https://host.example:8443/x", "host.example:8443"),
        ("http://127.0.0.1:8080/x", "127.0.0.1:8080"),
        ("http://[::1]:8080/x", "[::1]:8080"),
    ],
)
def test_the_host_that_is_signed_is_the_one_that_is_sent(url: str, expected: str) -> None:
    assert host(url) == expected


@pytest.mark.parametrize("values", [("", SECRET, USER), (APP, "", USER), (APP, SECRET, "")])
def test_signing_needs_all_three_values(values: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="set all three"):
        AppSigning(*values)


def test_neither_repr_nor_id_reveals_a_secret() -> None:
    for credentials, secret in ((Bearer(HEX, user_id=USER), HEX), (AppSigning(APP, SECRET, USER), SECRET)):
        assert secret not in repr(credentials)
        assert secret not in credentials.id


def test_the_id_tells_credentials_apart() -> None:
    assert Bearer(HEX).id == f"bearer:{hashlib.sha256(HEX.encode()).hexdigest()[:12]}"
    assert Bearer("another").id != Bearer(HEX).id
    assert AppSigning(APP, "rotated", USER).id != AppSigning(APP, SECRET, USER).id
    assert AppSigning(APP, SECRET, USER).id.startswith("app:")
