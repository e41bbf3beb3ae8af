"""The portal served out of the test's own process, with one of everything in it, for what looks at every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import Client as Visitor
from django.test.testcases import LiveServerThread
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext

from jobs_app import dispatch, submissions, tracking
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox, When
from jobs_app.koodrive.sandbox.magic import file_id as magic
from jobs_app.models import Submission
from tests.doors import client_of, operator_actor
from tests.examples import file_id
from tests.following import TOKEN, naming
from tests.walking import PAGES, World

ERRORS = ["/nothing-here/", "/submissions/00000000-0000-0000-0000-000000000001/"]
ENDED = (
    ("copy", magic("fails", 3), file_id(3)),
    ("copy", magic("refused", 4)),
    ("preview_archive", file_id(5)),
    ("package", file_id(6)),
    ("trash", file_id(7)),
)


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that answers with this process's settings and database."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler, port=0)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    try:
        yield f"http://127.0.0.1:{thread.port}"
    finally:
        thread.terminate()


def live(there: World) -> list[str]:
    """Submissions at different places of their way, and their addresses."""
    by = operator_actor(there.people["operator"])
    with Sandbox(port=0, token=TOKEN) as sandbox:
        client = client_of(sandbox)
        made = [submissions.submit(naming(operation, *files), by=by) for operation, *files in ENDED]
        for row in made:
            dispatch.send(row.pk, client=client)
        sandbox.clock.advance(60)
        Submission.objects.filter(status__in=["accepted", "running"]).update(
            due_at=timezone.now() - timedelta(seconds=1)
        )
        tracking.poll(client=client)
        made.append(submissions.submit(naming("copy", file_id(8)), by=by))
        sandbox.faults.add(Fault(Kind.RESET, when=When.AFTER))
        dispatch.send(made[-1].pk, client=client)
        made.append(submissions.submit(naming("copy", file_id(9)), by=by))
        dispatch.send(made[-1].pk, client=client)
        made.append(submissions.submit(naming("move", file_id(10)), by=by))
    return [f"/submissions/{row.pk}/" for row in made]


def session_of(there: World, who: str) -> dict[str, str]:
    """The cookie of somebody who has signed in; empty for nobody."""
    visitor = Visitor()
    if who == "nobody":
        return {}
    visitor.force_login(there.people[who])
    return {name: morsel.value for name, morsel in visitor.cookies.items()}


def pages_of(there: World, who: str, more: list[str]) -> list[str]:
    """The addresses at which this person gets a page, and not a redirect, a file or a fragment."""
    visitor = Visitor(raise_request_exception=False)
    if who != "nobody":
        visitor.force_login(there.people[who])
    wanted = dict.fromkeys([*(there.at(path) for path in PAGES), *more, *ERRORS])
    return [path for path in wanted if path != "/sign-out/" and b"<!doctype html>" in _start_of(visitor.get(path))]


def _start_of(answer: Any) -> bytes:
    if "text/html" not in answer.headers.get("Content-Type", "") or answer.streaming:
        return b""
    return bytes(answer.content[:200])


def opened(chromium: Browser, there: World, who: str, url: str) -> BrowserContext:
    """A browser of this person's."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    cookies = [{"name": name, "value": value, "url": url} for name, value in session_of(there, who).items()]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context
