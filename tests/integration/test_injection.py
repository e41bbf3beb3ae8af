"""Whatever stands in a parameter or a field: no page fails by it, and none gives it back as anything but text."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.test import Client

from tests.walking import ALL, Form, Page, World, world

MARKUP = "\"'><svg onload=alert(1)>"
NASTY: dict[str, str] = {
    "markup": MARKUP,
    "script": "</textarea></title><script>alert(1)</script>",
    "sql": "x' OR 1=1; DROP TABLE jobs_app_submission; --",
    "template": "{{7*7}}{% load x %}${7*7}<%= 7*7 %>",
    "header": "x\r\nSet-Cookie: evil=1\r\n\r\nevil",
    "nul": "a\x00b",
    "bidi": "a\u202eb\u2066c",
    "huge": "9" * 20_000,
    "number": "-1e999",
    "path": "../../../../etc/passwd",
}
NAMES = ("q", "cursor", "limit", "status", "operation", "from", "as", "files", "next", "since", "until", "createdBy")
NAMES += (
    "taskId",
    "fileId",
    "batch",
    "retryOf",
    "mine",
    "part",
    "after",
    "wait",
    "order",
    "afterSeq",
    "fields",
    "token",
)
WHO = ["operator", "approver", "auditor", "administrator"]
LEAVES = ("/sign-out/",)


@pytest.fixture
def there(database: None, loopback_allowed: None) -> World:
    return world()


def visitor(there: World, who: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(there.people[who])
    return client


def trouble(answer: Any) -> str:
    """What is wrong with an answer to something nasty."""
    if answer.status_code >= 500 and answer.status_code != 503:
        return str(answer.status_code)
    if "evil" in answer.cookies or "Set-Cookie: evil" in str(answer.headers.get("Location", "")):
        return "a header was split"
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if "html" in answer.headers.get("Content-Type", ""):
        if b"<svg onload" in content or b"<script>alert" in content:
            return "markup is not escaped"
        if b"Traceback" in content:
            return "a traceback"
    return ""


def opened(client: Client, there: World) -> list[str]:
    """The addresses that answer this person; the others refuse before they read anything."""
    found = [there.at(path) for path in ALL if path != "/api/v1/changes/"]
    return [address for address in found if client.get(address).status_code == 200]


@pytest.mark.parametrize("who", WHO)
def test_no_parameter_of_an_address_does_harm(there: World, who: str) -> None:
    """All kinds in all parameters at once, and in each parameter alone one kind after the other."""
    client, found, kinds = visitor(there, who), [], list(NASTY)
    addresses = opened(client, there)
    assert len(addresses) > 10
    for place, address in enumerate(addresses):
        asked = [dict.fromkeys(NAMES, NASTY[kind]) for kind in kinds]
        asked += [{name: NASTY[kinds[(place + n) % len(kinds)]]} for n, name in enumerate(NAMES)]
        found += [(address, each, wrong) for each in asked if (wrong := trouble(client.get(address, each)))]
    assert found == []


def test_bytes_that_are_no_text_do_no_harm(there: World) -> None:
    client = visitor(there, "administrator")
    for path in ALL:
        for bytes_ in ("%ED%A0%80", "%FF%FE", "%C0%AF", "%00"):
            assert not trouble(client.get(f"{there.at(path)}?q={bytes_}&cursor={bytes_}&from={bytes_}")), path


def forms(client: Client, there: World) -> Iterator[tuple[str, Form]]:
    """Every form that the person finds, once for each place it leads to."""
    seen = set()
    extra = [f"/submissions/new/?operation={name}" for name in ("copy", "delete", "extract_some")]
    for address in [*(there.at(path) for path in ALL if not path.startswith("/api/")), *extra]:
        answer = client.get(address)
        if answer.streaming or "html" not in answer.headers.get("Content-Type", ""):
            continue
        for form in Page(answer).forms:
            place = (form.method, form.action or address, frozenset(form.fields))
            if form.action not in LEAVES and place not in seen:
                seen.add(place)
                yield form.action or address, form


def sent(client: Client, action: str, form: Form, values: Mapping[str, str]) -> Any:
    return client.get(action, values) if form.method == "get" else client.post(action, values)


@pytest.mark.parametrize("who", WHO)
def test_no_field_of_a_form_does_harm(there: World, who: str) -> None:
    client, found, count = visitor(there, who), [], 0
    for action, form in list(forms(client, there)):
        for name in form.fields:
            for kind, nasty in NASTY.items():
                count += 1
                answer = sent(client, action, form, form.fields | {name: nasty})
                wrong = trouble(answer)
                if not wrong and answer.status_code == 302 and answer.headers["Location"].startswith("/"):
                    wrong = trouble(client.get(answer.headers["Location"]))
                if wrong:
                    found.append((action, name, kind, wrong))
    assert found == []
    assert count > 50


@pytest.mark.parametrize("kind", NASTY)
def test_the_sign_in_form_takes_anything(database: None, kind: str) -> None:
    for name in ("username", "password", "next"):
        given = {"username": "olga", "password": "x", "next": "/"} | {name: NASTY[kind]}
        assert not trouble(Client(raise_request_exception=False).post("/sign-in/", given))


def test_what_people_typed_is_text_wherever_it_is_shown(there: World) -> None:
    """Kept things are shown to others: labels, reasons and references come back escaped."""
    from jobs_app import submissions
    from tests.doors import operator_actor
    from tests.examples import body, file_id

    given = {"reason": MARKUP, "reference": MARKUP, "labels": {file_id(0): MARKUP}}
    made = submissions.submit(body("delete", **given), by=operator_actor(there.people["operator"]))
    for who in WHO:
        client = visitor(there, who)
        for path in ("/", "/submissions/", f"/submissions/{made.pk}/", "/approvals/", "/audit/"):
            answer = client.get(path)
            assert not trouble(answer)
            if path == f"/submissions/{made.pk}/":
                assert b"&lt;svg onload" in answer.content
