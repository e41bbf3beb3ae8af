"""Every page, for every role: axe finds nothing in light and dark, nothing asks outside, nothing scrolls sideways.

The pages are those of ``tests/walking.py``, so a new one can't be forgotten.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, expect

from jobs_app.errors import AuditUnavailable
from jobs_app.web import errors
from tests.browser.serving import live, opened, pages_of
from tests.examples import FOLDER, SPACE, file_id
from tests.walking import World


def _unavailable(request: HttpRequest) -> HttpResponse:
    answer = errors.PortalErrors(lambda _: HttpResponse()).process_exception(request, AuditUnavailable())
    assert answer is not None
    return answer


AXE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EVERYBODY = ["nobody", "stranger", "operator", "approver", "auditor", "administrator", "everything"]
FORMS = [
    *("/submissions/new/?operation=copy", "/submissions/new/?operation=extract_some", "/people/new/", "/spaces/new/"),
    *("/policy/", "/exports/?q=colour:red", "/credentials/", "/tokens/services/new/"),
]
# As it is sent by a browser that checks nothing by itself.
SEND_EMPTY = """() => {
    const form = document.querySelector("main form[method=post]:has(input:not([type=hidden]), textarea)");
    form.noValidate = true;
    form.requestSubmit();
}"""
Answer = Callable[[HttpRequest], HttpResponse]
ERROR_PAGES: list[Answer] = [
    lambda request: errors.bad_request(request, Exception()),
    lambda request: errors.csrf_failed(request),
    errors.server_error,
    _unavailable,
]
FOUND = """async ([tags, rules, part]) => {
    const run = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const { violations } = await axe.run(part === "document" ? document : part, { runOnly: run });
    return violations.flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html} (${node.failureSummary})`));
}"""


def watched(page: Page, url: str, *, status: str = "40") -> list[str]:
    """What the page did that it should not; an answer whose status begins so is no trouble of the page."""
    troubles: list[str] = []
    page.on("request", lambda request: request.url.startswith((url, "data:")) or troubles.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: (
            said.type in ("error", "warning") and f"status of {status}" not in said.text and troubles.append(said.text)
        ),
    )
    return troubles


def looked_at(page: Page, address: str, *, is_bare: bool = False) -> list[str]:
    """What is wrong with one page."""
    page.goto(address)
    return examined(page, is_bare=is_bare)


def examined(page: Page, *, is_bare: bool = False) -> list[str]:
    """What is wrong as it stands; axe comes past the page's own policy, as an extension of a browser does."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = [f"light: {each}" for each in page.evaluate(FOUND, [RULES, None, "document"])]
    # Open menus lie over the page, as they should: with them the head alone is looked at.
    page.evaluate(
        "document.querySelectorAll('.menu').forEach((each) => { each.removeAttribute('name'); each.open = true; })"
    )
    if not is_bare:
        found += [f"menus: {each}" for each in page.evaluate(FOUND, [RULES, None, "header"])]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in page.evaluate(FOUND, [RULES, ["color-contrast"], "document"])]
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


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_back_with_mistakes_is_for_everyone(chromium: Browser, there: World, served: str, form: str) -> None:
    context = opened(chromium, there, "everything", served)
    try:
        page = context.new_page()
        page.goto(served + form)
        troubles = watched(page, served)
        with page.expect_navigation():
            page.evaluate(SEND_EMPTY)
        assert page.locator("main .invalid-feedback, main .alert-danger").count(), "nothing was found to be wrong"
        wrong = examined(page)
        assert not wrong + troubles, "\n".join(wrong + troubles)
    finally:
        context.close()


@pytest.mark.parametrize("answer", ERROR_PAGES)
def test_an_error_is_for_everyone(chromium: Browser, there: World, served: str, answer: Answer) -> None:
    """The pages of errors that no address leads to, as the portal makes them."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    made = answer(request)
    context = opened(chromium, there, "nobody", served)
    try:
        page = context.new_page()
        troubles = watched(page, served, status=str(made.status_code))
        page.route(
            f"{served}/broken/",
            lambda route: route.fulfill(
                status=made.status_code, body=made.content.decode(), content_type="text/html; charset=utf-8"
            ),
        )
        wrong = looked_at(page, f"{served}/broken/", is_bare=made.status_code >= 500)
        expect(page.locator("h1")).to_be_visible()
        assert not wrong + troubles, "\n".join(wrong + troubles)
    finally:
        context.close()


@pytest.mark.parametrize(
    ("operation", "files"),
    [("Copy", 2), ("Delete for good", 2), ("Copy", settings.KOODRIVE_MAX_FILES + 1)],
    ids=["copy", "delete", "batch"],
)
def test_the_review_is_for_everyone(chromium: Browser, there: World, served: str, operation: str, files: int) -> None:
    context = opened(chromium, there, "everything", served)
    try:
        page = context.new_page()
        page.goto(f"{served}/")
        troubles = watched(page, served)
        page.locator("#new-task").click()
        page.get_by_role("link", name=operation).click()
        page.locator("[name=files]").fill("\n".join(f"{file_id(n)}, report {n}.pdf" for n in range(files)))
        page.locator("[name=source]").fill(SPACE)
        page.locator("[name=target]").fill(SPACE)
        if (folder := page.locator("[name=folder]")).count():
            folder.fill(FOLDER)
        page.locator("[name=reason]").fill("CHG-20311")
        page.get_by_role("button", name="Review", exact=True).last.click()
        page.locator("#review").wait_for()
        wrong = examined(page)
        assert not wrong + troubles, "\n".join(wrong + troubles)
    finally:
        context.close()
