"""Browser tests: Debian's Chromium over a whole stack, started as a newcomer starts it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from jobs_app.actors import Role
from portal import demo
from tests.browser.serving import serving
from tests.conftest import make_person
from tests.walking import World, world

ROOT = Path(__file__).parents[2]
START_SECONDS = 90
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@dataclass(frozen=True)
class Stack:
    url: str
    password: str
    token: str
    data: Path


def environment(data: Path) -> dict[str, str]:
    """For a command that works on the stack in this folder, and on no database that was meant for another."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DATABASE_", "REDIS_", "PORTAL_"))}
    return kept | {"PORTAL_DATA_DIR": str(data)}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    port = demo.free_port()
    data = folder / "data"
    log = folder / "stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "stack"],
            cwd=ROOT,
            env=environment(data) | {"PORTAL_PORT": str(port), "PORTAL_POLL_SECONDS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + START_SECONDS
        while not (ready := re.search(r"^ready: (\S+)/$", log.read_text(), re.MULTILINE)):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        values = demo.load(data)
        yield Stack(ready.group(1), values.password, values.token, data)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("No Chromium: install it, or set CHROMIUM to its path.")
    # Playwright runs an event loop in this thread, in which Django would not ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=30_000)  # a task in the sandbox takes seconds, and the page asks every other one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page, and everything on it that should not have happened."""

    def __init__(self, context: BrowserContext, stack: Stack) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.troubles: list[str] = []
        self.page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("request", lambda request: self._note(not request.url.startswith(stack.url), request.url))
        self._stack = stack
        self.url = stack.url

    def _note(self, is_trouble: bool, text: str) -> None:
        # A form that comes back with its mistakes is answered with 400, which Chromium tells its console.
        if is_trouble and "status of 400" not in text:
            self.troubles.append(text)

    def sign_in(self, name: str) -> Page:
        self.page.goto(f"{self._stack.url}/sign-in/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(self._stack.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Home").wait_for()
        return self.page


@pytest.fixture
def watch(chromium: Browser, stack: Stack) -> Iterator[object]:
    """Makes watched pages, each of a browser of its own; none may have had any trouble in the end."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def new(host: str = "127.0.0.1", **options: object) -> Watched:
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        watched = Watched(context, replace(stack, url=stack.url.replace("127.0.0.1", host)))
        opened.append((context, watched))
        return watched

    yield new
    for context, _ in opened:
        context.close()
    assert [trouble for _, watched in opened for trouble in watched.troubles] == []


@pytest.fixture
def there(database: None, settings: Any) -> World:
    """One of everything, and somebody of each role; ``everything`` has all of them."""
    settings.CALLBACK_HOSTS, settings.CALLBACK_NETWORKS = frozenset(), (ip_network("127.0.0.0/8"),)
    found = world()
    found.people["everything"] = make_person("everything-1", *Role)
    return found


@pytest.fixture
def served(there: World) -> Iterator[str]:
    """The address of a portal that shows it."""
    with serving() as url:
        yield url
