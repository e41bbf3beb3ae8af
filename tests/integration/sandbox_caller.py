"""A client of the sandbox, for its own tests."""

from typing import Any

import requests

from jobs_app.koodrive.sandbox import Sandbox

TOKEN = "10f88d07fa"
SPACE = "IAADfsBFCO6WtAtuA315074383680425b8aa9a130cba2d4"
JOBS = "/koodrive/ose/v1/jobs"
CANCEL = "/koodrive/ose/v1/cancel"
INVALID = {"code": 13000102, "msg": "Verify parameters failed."}


def copy_of(*file_ids: str, **other: Any) -> dict[str, Any]:
    """The vendor's own example, of other files."""
    return {
        "taskType": 1,
        "actionType": 101,
        "taskInfo": {
            "fileInfo": [{"fileId": file_id} for file_id in file_ids],
            "newFilePath": "Fm9UdqBNTAQDos6l1xPlFnIqXJg2-UdqA",
            "srcContainerId": SPACE,
        },
        "dstContainerId": SPACE,
    } | other


class Caller:
    """Calls one sandbox with a good token."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.sandbox.url + path, timeout=10, **options)

    def create(self, body: Any, **options: Any) -> requests.Response:
        return self("POST", JOBS, json=body, **options)

    def made(self, *file_ids: str, **other: Any) -> str:
        """The task id of a new task."""
        answer = self.create(copy_of(*file_ids or ("Fa",), **other)).json()
        assert isinstance(answer["data"], str), answer
        return answer["data"]

    def listed(self, query: str) -> list[str]:
        return [job["taskId"] for job in self("GET", f"{JOBS}?{query}").json()["data"]]

    def detail(self, task_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self("GET", f"/koodrive/ose/v1/{task_id}").json()["data"]
        return found
