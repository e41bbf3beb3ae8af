"""Two people at once: each sees what the other has done meanwhile, and what comes too late is said so."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.test_whole_way import compose
from tests.examples import SPACE, file_id


def test_of_two_who_decide_the_second_is_told_and_nothing_is_decided_twice(watch: Any) -> None:
    operator = watch().sign_in("operator")
    compose(operator, "Delete for good", file_id(881))
    operator.get_by_role("button", name="Review").click()
    operator.get_by_label("To go on, type").fill(f"delete 1 from {SPACE}")
    operator.get_by_role("button", name="Submit for approval").click()
    expect(operator.locator(".chip").first).to_contain_text("Awaiting approval")

    # The same person in two browsers; in the second nothing is refreshed, as on a page that was left open.
    quick, late = watch().sign_in("approver"), watch(java_script_enabled=False).sign_in("approver")
    for page in (quick, late):
        page.goto(operator.url)
    quick.get_by_role("button", name="Approve").click()
    expect(quick.locator(".chip").first).to_contain_text("Succeeded")
    late.get_by_label("Comment").fill("The folder is still needed.")
    late.get_by_role("button", name="Reject").click()
    expect(late.locator("#content")).to_contain_text("no longer in a state that allows this")
    # Whoever submitted it saw all of it without a click.
    expect(operator.locator(".chip").first).to_contain_text("Succeeded")
    expect(operator.locator(".timeline")).to_contain_text("submission.approved")
    expect(operator.locator(".timeline")).not_to_contain_text("submission.rejected")


def test_two_who_compose_the_same_are_told_of_each_other(watch: Any) -> None:
    first = watch().sign_in("operator")
    compose(first, "Copy", file_id(882))
    first.get_by_role("button", name="Review").click()
    first.get_by_role("button", name="Submit").click()
    expect(first.locator(".chip").first).to_contain_text("Succeeded")
    another = watch().sign_in("operator")
    compose(another, "Copy", file_id(882))
    another.get_by_role("button", name="Review").click()
    expect(another.get_by_text("This does the same to some of the same files:")).to_be_visible()
