"""A real OpenID Connect provider on this machine, and the way of a browser there and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client
from oidc_provider_mock import run_server_in_thread


class Provider:
    """What the portal is registered with; it says of its users what a test makes it say."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://localhost:{port}"

    def say(self, subject: str, **claims: Any) -> None:
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=5).raise_for_status()

    def go(self, away: str, subject: str) -> str:
        """What a browser does there: signs in as this subject, and is sent back; the path and query to come back by."""
        back = requests.post(away, data={"sub": subject}, allow_redirects=False, timeout=5)
        assert back.status_code == 302, back.text
        parts = urlsplit(back.headers["Location"])
        return f"{parts.path}?{parts.query}"

    def enter(self, subject: str, client: Client | None = None, next_: str = "") -> tuple[Client, Any]:
        client = client or Client()
        away = client.get("/sign-in/sso/", {"next": next_} if next_ else {})
        return client, client.get(self.go(away.url, subject))


@contextmanager
def running_provider() -> Iterator[Provider]:
    with run_server_in_thread() as server:
        yield Provider(server.server_port)
