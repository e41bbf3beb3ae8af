"""Second factors as people set them up and give them: an app, a recovery code, a passkey of the browser's."""

import os
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Stack
from tests.signing_in import code_of

PASSWORD = "seven green lanterns on a quiet river"


@pytest.fixture
def person(stack: Stack, request: pytest.FixtureRequest) -> str:
    """Somebody of the test's own, who has no second factor yet."""
    name = request.node.name.replace("_", "-")[:40]
    subprocess.run(
        [sys.executable, "manage.py", "create_user", name, "--role", "auditor"],
        cwd=ROOT,
        env=os.environ | {"PORTAL_DATA_DIR": str(stack.data)},
        input=PASSWORD,
        text=True,
        check=True,
        timeout=60,
    )
    return name


def enter(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/sign-in/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def to_profile(page: Page) -> None:
    page.locator(".person").click()
    page.get_by_role("link", name="Profile").click()


def leave(page: Page) -> None:
    page.locator(".person").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_an_app_and_a_recovery_code(watch: Any, person: str) -> None:
    watched = watch()
    page, url = watched.page, watched.url
    enter(page, url, person)
    to_profile(page)
    page.get_by_role("link", name="Set up").click()
    expect(page.get_by_alt_text("The secret as a QR code")).to_be_visible()
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 50
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    [first, *others] = page.locator("#codes").inner_text().split()
    assert len(others) == 9
    leave(page)

    enter(page, url, person)
    page.get_by_label("Code of your app").fill("000000")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("doesn't fit")
    page.get_by_label("Code of your app").fill(code_of(secret))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Home").wait_for()
    leave(page)

    enter(page, url, person)
    page.get_by_label("Code of your app").fill(first)
    page.get_by_role("button", name="Go on").click()
    to_profile(page)
    expect(page.get_by_role("row", name="Recovery codes")).to_contain_text("9 left")
    expect(page.get_by_text("this one")).to_be_visible()


def test_a_passkey(watch: Any, person: str) -> None:
    watched = watch(host="localhost")
    page, url = watched.page, watched.url
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    key = browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    enter(page, url, person)
    to_profile(page)
    page.get_by_role("link", name="Add").click()
    page.get_by_label("What you call it").fill("my laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    leave(page)

    enter(page, url, person)
    page.get_by_role("button", name="Use a passkey").click()
    to_profile(page)
    expect(page.get_by_role("row", name="Passkey: my laptop")).to_be_visible()
    leave(page)

    # A key that doesn't belong to the account says so, and leaves the codes as a way in.
    browser.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    enter(page, url, person)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("It didn't work")).to_be_visible()
    expect(page.get_by_label("Code of your app")).to_be_visible()


def test_at_a_number_the_page_says_why_there_are_no_passkeys(watch: Any, person: str) -> None:
    watched = watch()
    enter(watched.page, watched.url, person)
    to_profile(watched.page)
    expect(watched.page.get_by_role("row", name="New passkey")).to_contain_text("localhost")
