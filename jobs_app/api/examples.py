"""What the description shows of requests, by component; ``answers`` has what is answered to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..operations import BY_NAME, OPERATIONS, Operation, Use

SPACE = "IAADfsBFCO6WtAtuA315074383680425b8aa9a130cba2d4"
FILE = "FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3"
_FOLDER = "Fm9UdqBNTAQDos6l1xPlFnIqXJg2-UdqA"
RECEIVER = "https://payroll.example.com/koodrive"
TASK = "1309243162258308352"
REASON = "CHG-20311 move of the archive"


@dataclass(frozen=True)
class Example:
    """``name`` is unique in the description."""

    name: str
    value: Any
    summary: str = ""
    description: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        said = {"summary": self.summary, "description": self.description}
        return {name: text for name, text in said.items() if text} | {"value": self.value}


def body(operation: Operation) -> dict[str, Any]:
    file = {"fileId": FILE} | ({"filePath": "/reports/march.zip"} if operation.file_path is Use.ADVISED else {})
    info: dict[str, Any] = {"fileInfo": [file], "srcContainerId": SPACE}
    if operation.new_file_path is not Use.NO:
        info["newFilePath"] = _FOLDER
    if operation.uncompress_file_paths is Use.MUST:
        info["uncompressFilePaths"] = ["reports/march.pdf"]
    action = {"actionType": operation.action_type} if operation.action_type is not None else {}
    return {"taskType": operation.task_type, **action, "taskInfo": info, "dstContainerId": SPACE}


def _request(operation: Operation) -> dict[str, Any]:
    return body(operation) | {"reason": REASON, "reference": "CHG-20311", "labels": {FILE: "march.zip"}}


COPY = BY_NAME["copy"]
DELETE = BY_NAME["delete"]
HASH = canonical.sha256(body(COPY))

REQUESTS: Mapping[str, list[Example]] = {
    "NewSubmission": [Example(f"New.{each.name}", _request(each), each.label, each.effect) for each in OPERATIONS],
    "NewBatch": [
        Example(
            "NewBatch",
            {
                "submissions": [body(COPY), body(BY_NAME["package"])],
                "atomic": True,
                "reason": REASON,
                "reference": "CHG-20311",
            },
        )
    ],
    "Table": [Example("NewTable", f"fileId,name,filePath\n{FILE},march.zip,/reports/march.zip\n")],
    "AnyRequest": [Example("AnyRequest", _request(BY_NAME["delete"]))],
    "Decision": [Example("Decision", {"requestSha256": HASH, "comment": "As agreed in CHG-20311"})],
    "NewTry": [Example("NewTry", {"reason": "CHG-20311 second try"})],
    "Resolution": [
        Example("Bind", {"decision": "bind", "taskId": TASK, "reason": "Same files and time in KooDrive"}, "Bind it"),
        Example("Close", {"decision": "close", "reason": "KooDrive's support can't tell either"}, "Close it"),
    ],
    "Nothing": [Example("Nothing", {})],
    "NewCallback": [Example("NewCallback", {"url": RECEIVER})],
    "Rotation": [Example("Rotation", {"overlapSeconds": 3600})],
}
