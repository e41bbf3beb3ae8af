"""Two people at once: each sees what the other has done meanwhile, and what comes too late is said so."""

import subprocess
import sys
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import ROOT, Stack, environment
from tests.browser.test_whole_way import ask_to_delete, compose, open_in_inbox
from tests.examples import file_id


def another_approver(stack: Stack) -> str:
    """The name of a second person who approves; the password is that of the demo's people."""
    subprocess.run(
        [sys.executable, "manage.py", "create_user", "boris", "--role", "approver"],
        cwd=ROOT,
        env=environment(stack.data),
        input=stack.password,
        text=True,
        check=True,
    )
    return "boris"


def test_of_two_who_decide_the_second_is_told_and_nothing_is_decided_twice(watch: Any, stack: Stack) -> None:
    operator = watch().sign_in("operator")
    ask_to_delete(operator, file_id(881))
    # On the second one's page nothing is refreshed, as on one that was left open.
    quick, late = watch().sign_in("approver"), watch(java_script_enabled=False).sign_in(another_approver(stack))
    for page in (quick, late):
        open_in_inbox(page, operator)
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
