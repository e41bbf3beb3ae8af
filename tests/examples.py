"""Requests to test with: one good body for each operation, as a service would send it."""

import copy
from typing import Any

from jobs_app.operations import BY_NAME

SPACE = "IAADfsBFCO6WtAtuA315074383680425b8aa9a130cba2d4"
OTHER_SPACE = "IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236"
FOLDER = "Fm9UdqBNTAQDos6l1xPlFnIqXJg2-UdqA"
FILE = "FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3"
TASK = "1309243162258308352"

# The create example of the vendor's page, field for field.
VENDOR_EXAMPLE: dict[str, Any] = {
    "taskType": 1,
    "actionType": 101,
    "taskInfo": {"fileInfo": [{"fileId": FILE}], "newFilePath": FOLDER, "srcContainerId": SPACE},
    "dstContainerId": SPACE,
}


def file_id(number: int, keyword: str = "") -> str:
    """A well-formed id of 33 characters, another one for each number."""
    return f"F{keyword}{number:0{32 - len(keyword)}d}"


def body(operation: str, *, files: int = 1, **changes: Any) -> dict[str, Any]:
    """A body that has no error and no warning; ``changes`` replace or add top-level fields."""
    kind = BY_NAME[operation]
    rows = [{"fileId": file_id(number)} for number in range(files)]
    info: dict[str, Any] = {"fileInfo": rows, "srcContainerId": SPACE}
    if kind.new_file_path != "no":
        info["newFilePath"] = FOLDER
    if kind.uncompress_file_paths == "must":
        info["uncompressFilePaths"] = ["reports/2026/march.pdf"]
    if kind.file_path == "advised":
        for row in rows:
            row["filePath"] = f"/root/{row['fileId']}"
    document: dict[str, Any] = {"taskType": kind.task_type, "taskInfo": info, "dstContainerId": SPACE}
    if kind.action_type:
        document["actionType"] = kind.action_type
    return copy.deepcopy(document | {"reason": "CHG-20311 move of the archive"} | changes)
