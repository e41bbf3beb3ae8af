"""Every page, for every role: axe finds nothing in light and dark, nothing asks outside, nothing scrolls sideways.

The pages are those of ``tests/walking.py``, so a new one can't be forgotten.
"""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Visitor
from playwright.sync_api import Browser, BrowserContext, Page

from jobs_app.actors import Role
from tests.browser.serving import live, serving, session_of
from tests.conftest import make_person
from tests.walking import PAGES, World, world

AXE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EVERYBODY = ["nobody", "stranger", "operator", "approver", "auditor", "administrator", "everything"]
ERRORS = ["/nothing-here/", "/submissions/00000000-0000-0000-0000-000000000001/"]
FOUND = """async ([tags, rules]) => {
    const run = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const { violations } = await axe.run(document, { runOnly: run });
    return violations.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html} (${node.failureSummary})`));
}"""


@pytest.fixture
def there(database: None, settings: Any) -> World:
    settings.CALLBACK_HOSTS, settings.CALLBACK_NETWORKS = frozenset(), (ip_network("127.0.0.0/8"),)
    found = world()
    found.people["everything"] = make_person("everything-1", *Role)
    return found


@pytest.fixture
def served(there: World) -> Iterator[str]:
    with serving() as url:
        yield url


def pages_of(there: World, who: str, more: list[str]) -> list[str]:
    """The addresses at which this person gets a page, and not a redirect, a file or a fragment."""
    visitor = Visitor(raise_request_exception=False)
    if who != "nobody":
        visitor.force_login(there.people[who])
    wanted = dict.fromkeys([*(there.at(path) for path in PAGES), *more, *ERRORS])
    return [path for path in wanted if path != "/sign-out/" and b"<!doctype html>" in start_of(visitor.get(path))]


def start_of(answer: Any) -> bytes:
    if "text/html" not in answer.headers.get("Content-Type", "") or answer.streaming:
        return b""
    return bytes(answer.content[:200])


def opened(chromium: Browser, there: World, who: str, url: str) -> BrowserContext:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    cookies = [{"name": name, "value": value, "url": url} for name, value in session_of(there, who).items()]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


def watched(page: Page, url: str) -> list[str]:
    """What the page did that it should not; an answer that is an error is no trouble of the page."""
    troubles: list[str] = []
    page.on("request", lambda request: request.url.startswith((url, "data:")) or troubles.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: (
            said.type in ("error", "warning") and "status of 40" not in said.text and troubles.append(said.text)
        ),
    )
    return troubles


def looked_at(page: Page, address: str) -> list[str]:
    """What is wrong with one page; axe comes past the page's own policy, as an extension of a browser does."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    page.goto(address)
    page.evaluate(
        "document.querySelectorAll('details').forEach((each) => { each.removeAttribute('name'); each.open = true; })"
    )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = [f"light: {each}" for each in page.evaluate(FOUND, [RULES, None])]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in page.evaluate(FOUND, [RULES, ["color-contrast"]])]
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('.menu').forEach((each) => { each.open = false; })")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("scrolls sideways at 360 px")
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_page_is_for_everyone(chromium: Browser, there: World, served: str, who: str) -> None:
    paths = pages_of(there, who, live(there))
    assert paths
    context = opened(chromium, there, who, served)
    try:
        page = context.new_page()
        troubles = watched(page, served)
        wrong = [f"{path} {found}" for path in paths for found in looked_at(page, served + path)]
        assert not wrong + troubles, "\n".join(wrong + troubles)
    finally:
        context.close()
