"""An auditor takes a submission's evidence pack out of the trail, and reads it."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import expect

from jobs_app.audit import keys
from portal import demo
from tests.browser.conftest import Stack
from tests.browser.test_whole_way import compose
from tests.examples import file_id


def test_an_auditor_asks_sees_it_become_ready_loads_and_proves_it(watch: Any, stack: Stack, tmp_path: Path) -> None:
    operator = watch().sign_in("operator")
    compose(operator, "Copy", file_id(4711))
    operator.get_by_role("button", name="Review").click()
    operator.get_by_role("button", name="Submit").click()
    expect(operator.locator(".chip")).to_contain_text("Succeeded")

    auditor = watch(accept_downloads=True).sign_in("auditor")
    auditor.goto(operator.url)
    auditor.get_by_role("button", name="Evidence pack").click()
    expect(auditor.get_by_text("A worker writes it now")).to_be_visible()
    # The list asks for itself again: nobody loads the page anew.
    link = auditor.get_by_role("link", name="Download").first
    expect(link).to_be_visible()
    with auditor.expect_download() as started:
        link.click()
    path = tmp_path / "pack.zip"
    started.value.save_as(path)
    assert started.value.suggested_filename.startswith("koodrive-evidence-")
    with zipfile.ZipFile(path) as pack:
        for name in ("cover-en.html", "cover-zh.html"):
            (tmp_path / name).write_bytes(pack.read(name))
            assert file_id(4711).encode() in pack.read(name)
        (tmp_path / "verify.py").write_bytes(pack.read("verify.py"))
    key = keys.raw(load_pem_private_key(demo.load(stack.data).audit_key.encode(), password=None)).hex()
    command = [sys.executable, "-I", "-S", "verify.py", str(path), "--key", key]
    verified = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout[:6]) == (0, "WHOLE:"), verified.stdout + verified.stderr


def test_the_form_counts_while_one_types_and_shows_what_it_does_not_understand(watch: Any) -> None:
    page = watch().sign_in("auditor")
    page.goto(page.url.rstrip("/") + "/exports/?q=action:session.started")
    expect(page.locator("#estimate")).to_contain_text("event")
    page.get_by_label("What of the trail").press_sequentially(" colour:red")
    expect(page.locator("#estimate")).to_contain_text("There is no qualifier 'colour'")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("There is no qualifier 'colour'")
