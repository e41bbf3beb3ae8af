"""The bell leads to what waits, and people choose what to hear of and how they see the portal."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.test_whole_way import ask_to_delete
from tests.examples import file_id
from tests.processes import eventually


def bell(page: Page) -> Any:
    return page.get_by_role("link", name="Notices")


def unread(page: Page, title: str) -> Any:
    return page.locator(".notice-unread").filter(has_text=title)


def mark_all(page: Page) -> None:
    button = page.get_by_role("button", name="Mark all as read")
    if button.count():
        button.click()
        expect(page.locator(".notice-unread")).to_have_count(0)


def test_the_bell_leads_an_approver_to_what_waits(watch: Any) -> None:
    operator, approver = watch().sign_in("operator"), watch().sign_in("approver")
    bell(approver).click()
    mark_all(approver)
    ask_to_delete(operator, file_id(815))
    url = operator.url

    def told() -> int:
        approver.reload()
        found: int = bell(approver).locator(".badge").count()
        return found

    eventually(told, what="the bell counts")
    bell(approver).click()
    expect(approver.get_by_role("heading", name="Notices")).to_be_visible()
    waiting = unread(approver, "A submission waits for approval").first
    expect(waiting).to_contain_text("submitted by operator")
    waiting.get_by_role("button", name="A submission waits for approval", exact=True).click()
    expect(approver).to_have_url(url)
    bell(approver).click()
    mark_all(approver)
    expect(approver.locator(".notice-unread")).to_have_count(0)
    expect(bell(approver).locator(".badge")).to_have_count(0)


def theme(page: Page) -> str:
    return str(page.evaluate("document.documentElement.dataset.bsTheme"))


def test_a_person_chooses_theme_and_zone(watch: Any) -> None:
    page = watch(color_scheme="light").sign_in("auditor")
    assert theme(page) == "light"
    page.locator(".person").click()
    page.get_by_role("link", name="Profile").click()
    page.get_by_label("Theme").select_option(label="Dark")
    page.get_by_label("Time zone").select_option(label="Asia/Shanghai")
    page.locator("form", has=page.get_by_label("Theme")).get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert theme(page) == "dark"
    assert page.locator("main time", has_text="Asia/Shanghai").count()
    page.locator(".person").click()
    page.get_by_role("button", name="Light or dark").click()
    assert theme(page) == "light", "this browser is switched over"
    page.reload()
    assert theme(page) == "light"
    page.get_by_label("Theme").select_option(value="")
    page.locator("form", has=page.get_by_label("Theme")).get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html[data-bs-theme=dark]"), "as the system has it").to_have_count(1)

    plain = watch(java_script_enabled=False)
    page = plain.sign_in("auditor")
    page.goto(f"{plain.url}/profile/")
    page.get_by_label("Theme").select_option(label="Dark")
    page.locator("form", has=page.get_by_label("Theme")).get_by_role("button", name="Save").click()
    expect(page.locator("html[data-bs-theme=dark]")).to_have_count(1)


def test_a_person_chooses_what_to_hear_of(watch: Any) -> None:
    watched = watch(viewport={"width": 360, "height": 800})
    page = watched.sign_in("operator")
    page.goto(f"{watched.url}/profile/#notices")
    page.get_by_label("Sending goes on: Portal").uncheck()
    expect(page.get_by_label("The audit trail is broken: Portal")).to_be_disabled()
    page.locator("#notices").get_by_role("button", name="Save").click()
    expect(page.get_by_text("It holds for what happens from now on.")).to_be_visible()
    expect(page.get_by_label("Sending goes on: Portal")).not_to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
