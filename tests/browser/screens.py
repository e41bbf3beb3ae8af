"""``make screens``: leaves a picture of every page in both themes and two widths under docs/screens/."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT
from tests.browser.serving import ERRORS, live, opened, pages_of
from tests.walking import World

FOLDER = ROOT / "docs" / "screens"
WIDTHS = (1280, 360)
THEMES = ("light", "dark")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("who", ["nobody", "everything"])
def test_every_page_has_its_picture(chromium: Browser, there: World, served: str, who: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    context = opened(chromium, there, who, served)
    try:
        page = context.new_page()
        for number, path in enumerate(pages_of(there, who, live(there))):
            taken(page, served + path, f"{who}-{number:02}-{name_of(path)}")
    finally:
        context.close()


def name_of(path: str) -> str:
    """The address without what is another one the next time."""
    words = [word for word in path.strip("/").split("/") if not re.fullmatch(r"[0-9a-f-]{36}|\d+", word)]
    return "-".join(words)[:60] or "home"


def expected(path: str) -> HTTPStatus:
    """Nobody has an authenticator here, and the export is never made, so its download says that it isn't ready."""
    if path in (*ERRORS, "/profile/authenticator/remove/"):
        return HTTPStatus.NOT_FOUND
    is_too_early = path.startswith("/exports/") and path.endswith("/download/")
    return HTTPStatus.CONFLICT if is_too_early else HTTPStatus.OK


def taken(page: Page, address: str, name: str) -> None:
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == expected(urlsplit(address).path), address
            expect(page.locator("h1").first).to_be_visible()
            page.screenshot(path=FOLDER / f"{name}-{theme}-{width}.png", full_page=True)
