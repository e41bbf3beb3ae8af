"""Callbacks for tests: a service with one, and a worker's way with its notices."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from jobs_app.actors import SUBMISSION_SCOPES
from jobs_app.callbacks import delivery, queue
from jobs_app.models import Callback, Delivery
from tests.conftest import Api, token_of
from tests.examples import body
from tests.receiver import Received, Receiver

DOCS = Path(__file__).parents[1] / "docs" / "callbacks.md"


class Subscriber:
    """A service whose notices go to the receiver."""

    def __init__(self, receiver: Receiver, name: str = "payroll") -> None:
        self.receiver = receiver
        self.api = Api(token=token_of(name, *SUBMISSION_SCOPES))
        answer = self.api.put("me/callback/", {"url": receiver.url})
        assert answer.status_code == 201, answer.content
        self.secret: str = answer.json()["secret"]

    @property
    def callback(self) -> Callback:
        return Callback.objects.select_related("service").get(url=self.receiver.url)

    def submit(self, **changes: Any) -> str:
        answer = self.api.post("submissions/", body("copy", **changes))
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    def submit_and_cancel(self) -> str:
        made = self.submit()
        assert self.api.post(f"submissions/{made}/cancel/", {}).status_code == 200
        return made

    def told(self) -> list[tuple[str, str]]:
        """Submission and status of each notice that came in, a repeated one again."""
        return [about(each) for each in self.receiver.received]


def about(received: Received) -> tuple[str, str]:
    data = documented(received)["data"]
    return data["submission"], data["status"]


def documented(received: Received) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(received.body)
    return document


def work() -> int:
    """Makes notices and tries all that may be tried; says how many attempts that took."""
    queue.read_on()
    count = 0
    while claimed := delivery.claim():
        delivery.attempt(claimed)
        count += 1
    return count


def everything_is_due() -> None:
    """As if every wait were over: of retries, of receivers that are left alone, and of claims whose worker is gone."""
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(state="pending").update(due_at=past)
    Callback.objects.update(not_before=None)


def snippet() -> Callable[..., str]:
    """``verify`` as the docs give it to engineers."""
    [code] = re.findall(r"<!-- verify: run.*?```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[..., str] = names["verify"]
    return found
