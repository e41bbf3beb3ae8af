"""What the description shows of requests and answers: one table of each, by component. All of it is about one service.

The answers are told like the portal's own: a copy of one file that is queued, and what comes of others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import batches, canonical, csvs, lineage
from ..operations import BY_NAME, OPERATIONS, Operation, Use
from . import documents

_SPACE = "IAADfsBFCO6WtAtuA315074383680425b8aa9a130cba2d4"
_FILE = "FuZmQ66CF0DdpKRG1Y29Iwajbq04Nhwu3"
_FOLDER = "Fm9UdqBNTAQDos6l1xPlFnIqXJg2-UdqA"
_TASK = "1309243162258308352"
_ID = "0b6f2a52-8f43-4b0e-9f0a-6f6f3a1d9c11"
_BATCH = "5c1f0d3e-2f83-4d0b-8a53-1f2f7f0f3a77"
_REASON = "CHG-20311 move of the archive"
_NOW = "2027-03-01T08:00:00.215403Z"
_SOON = "2027-03-01T08:00:02.804217Z"
_SERVICE = {"kind": "service", "id": "service:3", "name": "payroll"}
_PERSON = {"kind": "person", "id": "person:7", "name": "anton"}
_EVENT_HASH = "1f7d8f1d2b2fd3cfbd6cb5d1c9a0d7e6c8a4e4f0a4a35c8d9b7a1c5e3f20b146"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


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


def _body(operation: Operation) -> dict[str, Any]:
    file = {"fileId": _FILE} | ({"filePath": "/reports/march.zip"} if operation.file_path is Use.ADVISED else {})
    info: dict[str, Any] = {"fileInfo": [file], "srcContainerId": _SPACE}
    if operation.new_file_path is not Use.NO:
        info["newFilePath"] = _FOLDER
    if operation.uncompress_file_paths is Use.MUST:
        info["uncompressFilePaths"] = ["reports/march.pdf"]
    action = {"actionType": operation.action_type} if operation.action_type is not None else {}
    return {"taskType": operation.task_type, **action, "taskInfo": info, "dstContainerId": _SPACE}


def _request(operation: Operation) -> dict[str, Any]:
    return _body(operation) | {"reason": _REASON, "reference": "CHG-20311", "labels": {_FILE: "march.zip"}}


_COPY = BY_NAME["copy"]
_DELETE = BY_NAME["delete"]
_HASH = canonical.sha256(_body(_COPY))
_COUNTS = {"total": 1, "succeeded": 0, "failed": 0, "pending": 1}

_SUBMISSION: dict[str, Any] = {
    "id": _ID,
    "status": "queued",
    "final": False,
    "statusDetail": "It waits for a worker, which will send it next.",
    "waitingFor": "worker",
    "needsPerson": False,
    "nextCheckAt": _NOW,
    "operation": _COPY.name,
    "request": _body(_COPY),
    "requestSha256": _HASH,
    "labels": {_FILE: "march.zip"},
    "reason": _REASON,
    "reference": "CHG-20311",
    "batch": None,
    "row": None,
    "source": "api",
    "createdBy": _SERVICE,
    "taskId": None,
    "outcomeBasis": None,
    "result": None,
    "progress": None,
    "files": _COUNTS,
    "attempts": 0,
    "approval": None,
    "retryOf": None,
    "notBefore": None,
    "notAfter": None,
    "createdAt": _NOW,
    "sentAt": None,
    "acceptedAt": None,
    "finishedAt": None,
    "warnings": [],
    "receipt": {"seq": 4711, "hash": _EVENT_HASH},
    "url": f"/submissions/{_ID}/",
}
_EVENT: dict[str, Any] = {
    "seq": 4712,
    "at": _SOON,
    "db": "portal_app",
    "event": {
        "action": "send.intended",
        "outcome": "ok",
        "actor": {"kind": "system", "id": "system:worker", "name": _HASH},
        "channel": "worker",
        "submission": _ID,
        "before": {"status": "queued"},
        "after": {"status": "sending"},
    },
}
_EVENT_LINE = json.dumps(_EVENT, separators=(",", ":"))
_CALLBACK: dict[str, Any] = {
    "url": "https://payroll.example.com/koodrive",
    "state": "active",
    "failing": False,
    "detail": None,
    "pending": 0,
    "pendingSince": None,
    "lastSuccessAt": _SOON,
    "formerSecretUntil": None,
    "setAt": _NOW,
}

REQUESTS: Mapping[str, list[Example]] = {
    "NewSubmission": [Example(f"New.{each.name}", _request(each), each.label, each.effect) for each in OPERATIONS],
    "NewBatch": [
        Example(
            "NewBatch",
            {
                "submissions": [_body(_COPY), _body(BY_NAME["package"])],
                "atomic": True,
                "reason": _REASON,
                "reference": "CHG-20311",
            },
        )
    ],
    "Table": [Example("NewTable", f"fileId,name,filePath\n{_FILE},march.zip,/reports/march.zip\n")],
    "AnyRequest": [Example("AnyRequest", _request(BY_NAME["delete"]))],
    "Decision": [Example("Decision", {"requestSha256": _HASH, "comment": "As agreed in CHG-20311"})],
    "NewTry": [Example("NewTry", {"reason": "CHG-20311 second try"})],
    "Resolution": [
        Example("Bind", {"decision": "bind", "taskId": _TASK, "reason": "Same files and time in KooDrive"}, "Bind it"),
        Example("Close", {"decision": "close", "reason": "KooDrive's support can't tell either"}, "Close it"),
    ],
    "Nothing": [Example("Nothing", {})],
    "NewCallback": [Example("NewCallback", {"url": _CALLBACK["url"]})],
    "Rotation": [Example("Rotation", {"overlapSeconds": 3600})],
}

ANSWERS: Mapping[str, Any] = {
    "Operation": documents.operation(_COPY),
    "Submission": _SUBMISSION,
    "Validation": {
        "errors": [],
        "warnings": [
            {
                "pointer": "/taskInfo/newFilePath",
                "code": "target_folder_missing",
                "detail": "No target folder is given (newFilePath): "
                "KooDrive's page leaves open where the files will go.",
            }
        ],
        "approvalsNeeded": 0,
        "sameEffect": [{"submission": _ID, "createdBy": _SERVICE, "createdAt": _NOW, "status": "queued", "files": 1}],
    },
    "BatchMade": {
        "batch": _BATCH,
        "results": [
            {"index": 0, "status": 201, "submission": _SUBMISSION | {"batch": _BATCH, "row": 0}},
            {
                "index": 1,
                "status": 400,
                "errors": [{"pointer": "/dstContainerId", "code": "required", "detail": "Give dstContainerId."}],
            },
        ],
    },
    "BatchCancelled": {
        "batch": _BATCH,
        "results": [{"index": 0, "status": 200, "submission": _ID, "state": "cancelled", "errors": []}],
    },
    "Batch": {
        "id": _BATCH,
        "operation": _DELETE.name,
        "reason": _REASON,
        "reference": "CHG-20311",
        "source": "api",
        "createdBy": _SERVICE,
        "createdAt": _NOW,
        "total": 1,
        "counts": {"queued": 1},
        "final": False,
        "files": _COUNTS,
        "requestSha256": batches.sha256([canonical.sha256(_body(_DELETE))]),
        "approval": {
            "needed": 1,
            "given": [{"by": _PERSON, "at": _SOON, "comment": "As agreed in CHG-20311"}],
            "expiresAt": "2027-03-08T08:00:00.215403Z",
        },
        "retryOf": None,
        "url": f"/batches/{_BATCH}/",
    },
    "Table": (
        "".join(csvs.lines([lineage.COLUMNS]))
        + f"2,{_FILE},march.zip,,{_ID},succeeded,succeeded,0,success,,FwY5sRk2PqLd8vTz0XbN4cJm7HgKe1AaU,\r\n"
    ),
    "File": {
        "fileId": _FILE,
        "filePath": None,
        "label": "march.zip",
        "row": 0,
        "status": "failed",
        "resultCode": "13000302",
        "resultDesc": "File is not in the specified space.",
        "advice": "Check in which space the file lies and name that one.",
        "newFileId": None,
        "newFilePath": None,
    },
    "Entry": {"name": "reports/march.pdf", "isFolder": False, "size": 48211, "row": 3},
    "Change": {
        "position": "4712",
        "at": _SOON,
        "submission": _ID,
        "status": "sending",
        "final": False,
        "action": "send.intended",
        "reference": "CHG-20311",
        "batch": None,
        "taskId": None,
    },
    "Event": _EVENT | {"hash": _EVENT_HASH},
    "AuditEvent": _EVENT | {"hash": _EVENT_HASH, "seal": 12, "line": _EVENT_LINE},
    "DownloadLink": {"url": "https://koodrive.example.com/packages/march.zip?signature=…", "expiresAt": _SOON},
    "Evidence": {
        "checkedAt": _SOON,
        "complete": True,
        "verdict": f"Task {_TASK} is the only one that fits.",
        "candidates": [
            {
                "taskId": _TASK,
                "createdAt": _NOW,
                "taskType": 1,
                "actionType": 101,
                "contentNum": 1,
                "containerId": _SPACE,
                "userId": "8a7c",
                "status": 2,
                "matches": True,
                "reasons": [{"what": "count", "fits": True, "detail": "1"}],
            }
        ],
    },
    "Caller": {
        **_SERVICE,
        "roles": [],
        "scopes": ["submissions:read", "submissions:write"],
        "tokenExpiresAt": "2027-05-30T08:00:00Z",
        "tokenRotatedAt": None,
        "limits": {"maxFiles": 1000, "rate": "100/min", "addresses": None, "operations": None, "spaces": None},
    },
    "Callback": _CALLBACK,
    "CallbackSecret": {"secret": _SECRET, "formerSecretUntil": "2027-03-02T08:00:00Z"},
    "Delivery": {
        "id": "msg_6f1ed002ab5595859014ebf0951522d9",
        "type": "submission.changed",
        "position": "4712",
        "submission": _ID,
        "status": "sending",
        "state": "delivered",
        "attempts": 1,
        "nextAttemptAt": None,
        "lastAttemptAt": _SOON,
        "statusCode": 200,
        "error": None,
        "createdAt": _SOON,
        "endedAt": _SOON,
    },
    "NewToken": {
        "token": "kdp_…",
        "id": "token:13",
        "expiresAt": "2027-05-30T08:00:00Z",
        "oldTokenEndsAt": "2027-03-01T09:00:00Z",
    },
}
