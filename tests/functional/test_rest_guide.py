"""The client and the commands of the pages for services, as they stand there, against a whole stack."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from portal import demo
from tests.functional.test_stack import ROOT, Running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("stack"), PORTAL_POLL_SECONDS="1")
    try:
        running.until_ready()
        yield running
    finally:
        running.process.terminate()
        running.process.wait(20)


def test_the_client_submits_and_knows_the_end(stack: Running) -> None:
    page = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- client: .*?-->\n```python\n(.*?)```\n<!-- client: end -->", page, re.DOTALL)
    assert found
    token = demo.load(stack.folder).token
    ran = subprocess.run(
        [sys.executable, "-c", found[1]],
        env=os.environ | {"PORTAL": f"http://127.0.0.1:{stack.port}", "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    said = ran.stdout.splitlines()
    assert said[0].startswith("submitted ")
    assert "succeeded" in said
    assert said[-1].endswith(" succeeded")


def test_the_commands_of_services_answer_as_the_page_shows(stack: Running) -> None:
    page = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")
    found = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)```", page, re.DOTALL)
    assert len(found) == page.count("```sh")
    for command, shown in found:
        ran = subprocess.run(
            ["bash", "-c", command.replace("https://portal.example.com", f"http://127.0.0.1:{stack.port}")],
            env=os.environ | {"TOKEN": demo.load(stack.folder).token},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert list(json.loads(ran.stdout)) == list(json.loads(shown))
