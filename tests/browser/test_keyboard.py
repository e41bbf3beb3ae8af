"""By keyboard: the shortcuts, the sheet that tells them, and the menus."""

import re
from typing import Any

from playwright.sync_api import expect


def test_shortcuts_lead_there_and_never_fire_in_a_field(watch: Any) -> None:
    page = watch().sign_in("operator")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile("/submissions/$"))
    page.keyboard.press("/")
    expect(page.locator("main select, main input").first).to_be_focused()
    reference = page.get_by_label("Reference")
    reference.press_sequentially("gh?n")
    expect(reference).to_have_value("gh?n")
    expect(page.locator("#shortcuts")).to_be_hidden()
    reference.blur()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("/submissions/new/$"))


def test_the_sheet_opens_closes_and_switches_them_off(watch: Any) -> None:
    page = watch().sign_in("operator")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.get_by_label("Switch the shortcuts off").check()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_a_menu_opens_by_enter_and_closes_by_escape(watch: Any) -> None:
    page = watch().sign_in("administrator")
    summary = page.locator("summary", has_text="Administration")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="People")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="People")).to_be_hidden()
    expect(summary).to_be_focused()
