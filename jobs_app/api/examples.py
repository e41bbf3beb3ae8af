"""An example request for every operation, as the description shows it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from ..operations import OPERATIONS, Operation, Use

_SPACE = "IAADfsBFCO6WtAtuA315074383680425b8aa9a130cba2d4"
_FILE = "FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3"


def _body(operation: Operation) -> dict[str, Any]:
    file = {"fileId": _FILE} | ({"filePath": "/reports/march.zip"} if operation.file_path is Use.ADVISED else {})
    info: dict[str, Any] = {"fileInfo": [file], "srcContainerId": _SPACE}
    if operation.new_file_path is not Use.NO:
        info["newFilePath"] = "Fm9UdqBNTAQDos6l1xPlFnIqXJg2-UdqA"
    if operation.uncompress_file_paths is Use.MUST:
        info["uncompressFilePaths"] = ["reports/march.pdf"]
    action = {"actionType": operation.action_type} if operation.action_type is not None else {}
    return {
        "taskType": operation.task_type,
        **action,
        "taskInfo": info,
        "dstContainerId": _SPACE,
        "reason": "CHG-20311 move of the archive",
        "labels": {_FILE: "march.zip"},
    }


EXAMPLES = [
    OpenApiExample(each.name, _body(each), summary=each.label, description=each.effect, request_only=True)
    for each in OPERATIONS
]
