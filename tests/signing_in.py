"""A browser of somebody who signs in as people do: by password, by code, by recovery code."""

import re
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.test import Client
from django.urls import reverse

from jobs_app import encryption
from jobs_app.models import User
from tests.conftest import PASSWORD


def enter(person: User, password: str = PASSWORD, *, client: Client | None = None, **more: Any) -> tuple[Client, Any]:
    """A client, and the answer to the person's name and password."""
    client = client or Client()
    return client, client.post("/sign-in/", {"username": person.username, "password": password, **more})


def signed_in(person: User) -> Client:
    client, answer = enter(person)
    assert (answer.status_code, answer.url) == (302, "/")
    return client


def code(person: User, shift: int = 0) -> str:
    """A code of their app: of this half minute, or of a neighbouring one. Each works once."""
    [row] = Authenticator.objects.filter(user=person, type="totp")
    return code_of(encryption.decrypt(row.data["secret"].encode()), shift)


def code_of(secret: str, shift: int = 0) -> str:
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30 + shift))


def set_up_app(client: Client) -> list[str]:
    """Sets an authenticator app up, and gives the recovery codes that are shown then."""
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200, page.headers
    [secret] = re.findall(r'id="secret">([A-Z2-7]+)<', page.content.decode())
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.status_code == 302, answer.content
    if answer.url != reverse("mfa_view_recovery_codes"):
        return []
    shown = client.get(answer.url).content.decode()
    return re.findall(r"^(?:.*id=\"codes\">)?(\d{8})$", shown, re.MULTILINE)


def with_app(person: User) -> Client:
    """Somebody who has an app and signed in a moment ago."""
    client = signed_in(person)
    set_up_app(client)
    return client


def second_step(client: Client, given: str) -> Any:
    return client.post("/sign-in/second-step/", {"code": given})


def grows_older(client: Client, seconds: float) -> None:
    """Whatever was proved in the session, and whatever was done in it, was so much earlier."""
    session = client.session
    for record in session.get("account_authentication_methods", []):
        record["at"] -= seconds
    for name in ("started_at", "seen_at"):
        if name in session:
            session[name] -= seconds
    session.save()
