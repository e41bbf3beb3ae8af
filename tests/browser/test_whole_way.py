"""The main ways through the portal, as people go them."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from jobs_app.koodrive.sandbox.magic import file_id as magic_file_id
from tests.examples import FOLDER, SPACE, file_id


def compose(page: Page, operation: str, *lines: str) -> None:
    page.locator("#new-task").click()
    page.get_by_role("link", name=operation).click()
    page.locator("[name=files]").fill("\n".join(lines))
    page.get_by_label("Space that the files are in").fill(SPACE)
    page.get_by_label("Target space").fill(SPACE)
    if page.get_by_label("Target folder").count():
        page.get_by_label("Target folder").fill(FOLDER)
    page.get_by_label("Reason or ticket").fill("CHG-20311")


def ask_to_delete(page: Page, *files: str) -> None:
    """Submits a deletion, which waits for approval then."""
    compose(page, "Delete for good", *files)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_text("There is no way back.").first).to_be_visible()
    button = page.get_by_role("button", name="Submit for approval")
    expect(button).to_be_disabled()
    if page.locator("#acknowledged").count():
        page.check("#acknowledged")
    page.get_by_label("To go on, type").fill(f"delete {len(files)} from {SPACE}")
    button.click()
    expect(page.locator(".chip").first).to_contain_text("Awaiting approval")


def open_in_inbox(approver: Page, submission: Page) -> None:
    """Goes by the list of what waits for approval to the submission that the other page shows."""
    approver.get_by_role("link", name="Approvals", exact=False).first.click()
    approver.locator(f"main a[href='{urlsplit(submission.url).path}']").click()
    expect(approver).to_have_url(submission.url)


def test_an_operator_composes_a_copy_and_sees_its_task_id_and_its_end(watch: Any) -> None:
    page = watch().sign_in("operator")
    compose(page, "Copy", f"{file_id(1)}, report.pdf", file_id(2))
    expect(page.locator("#count")).to_have_text("2")
    page.get_by_role("button", name="Review").click()
    expect(page.locator("pre")).to_contain_text('"taskType": 1')
    expect(page.locator("pre")).to_contain_text(file_id(2))
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#task-id")).to_have_text(re.compile(r"^\d{19}$"))
    expect(page.locator(".chip")).to_contain_text("Succeeded")
    expect(page.get_by_role("row", name="report.pdf")).to_contain_text("succeeded")
    expect(page.locator(".timeline")).to_contain_text("send.intended")
    expect(page.locator(".timeline")).to_contain_text("task.finished")


def test_what_is_copied_is_told_and_is_in_the_clipboard(watch: Any) -> None:
    page = watch(permissions=["clipboard-read", "clipboard-write"]).sign_in("operator")
    compose(page, "Copy", file_id(3))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".chip")).to_contain_text("Succeeded")
    page.get_by_role("button", name="copy the task id").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#task-id").inner_text()
    expect(page.locator("#copied")).to_have_text("")


def test_a_deletion_waits_for_another_person_who_sees_exactly_what_it_is(watch: Any) -> None:
    operator = watch().sign_in("operator")
    ask_to_delete(operator, file_id(77))
    assert operator.get_by_role("button", name="Approve").count() == 0

    approver = watch().sign_in("approver")
    open_in_inbox(approver, operator)
    expect(approver.locator("pre")).to_contain_text(file_id(77))
    approver.get_by_role("button", name="Approve").click()
    expect(approver.locator(".chip")).to_contain_text("Succeeded")
    expect(operator.locator(".chip")).to_contain_text("Succeeded")


def test_mistakes_are_shown_all_at_once_beside_their_fields(watch: Any) -> None:
    page = watch().sign_in("operator")
    page.get_by_role("link", name="New task").click()
    page.get_by_role("link", name="Copy").click()
    page.locator("[name=files]").fill(f"{file_id(1)}\n{file_id(1)}")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("row", name=re.compile("^2 .*Name each file once"))).to_be_visible()
    assert page.locator(".invalid-feedback").count() >= 3
    expect(page.locator("[name=files]")).to_have_value(f"{file_id(1)}\n{file_id(1)}")


def test_the_main_way_works_without_javascript_on_a_narrow_screen(watch: Any) -> None:
    page = watch(java_script_enabled=False, viewport={"width": 360, "height": 740}).sign_in("operator")
    compose(page, "Package for download", file_id(5))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Package for download")).to_be_visible()
    expect(page.locator("#content")).to_contain_text("CHG-20311")


def test_what_failed_is_tried_again_and_both_know_each_other(watch: Any) -> None:
    page = watch().sign_in("operator")
    compose(page, "Copy", magic_file_id("fails", 7))
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".chip")).to_contain_text("Failed")
    first = page.url
    page.reload()
    page.get_by_label("Reason").fill("CHG-20312: once more")
    page.get_by_role("button", name="Submit again").click()
    expect(page.locator("#content")).to_contain_text("CHG-20312: once more")
    second = page.url
    page.get_by_text("Another try of").get_by_role("link").click()
    expect(page).to_have_url(first)
    page.get_by_text("Submitted again as").get_by_role("link").click()
    expect(page).to_have_url(second)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_for_those_who_run_it_open_without_trouble(watch: Any, scheme: str) -> None:
    page = watch(color_scheme=scheme, viewport={"width": 390, "height": 800}).sign_in("administrator")
    for link, heading in (
        ("Unknown", "Unknown outcomes"),
        ("Health", "Health"),
        ("Credentials", "Sign-in to KooDrive"),
    ):
        if link != "Unknown":
            page.locator("summary", has_text="Administration").click()
        page.get_by_role("link", name=link, exact=True).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{heading} scrolls sideways"
