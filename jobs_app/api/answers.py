"""What the description shows of answers, by component: a service has queued a copy of one file; what comes of it."""

import json
from collections.abc import Mapping
from typing import Any

from .. import batches, canonical, csvs, lineage
from . import documents
from .examples import COPY, DELETE, FILE, HASH, REASON, RECEIVER, SPACE, TASK, body

_ID = "0b6f2a52-8f43-4b0e-9f0a-6f6f3a1d9c11"
_BATCH = "5c1f0d3e-2f83-4d0b-8a53-1f2f7f0f3a77"
_NOW = "2027-03-01T08:00:00.215403Z"
_SOON = "2027-03-01T08:00:02.804217Z"
_SERVICE = {"kind": "service", "id": "service:3", "name": "payroll"}
_PERSON = {"kind": "person", "id": "person:7", "name": "anton"}
_EVENT_HASH = "1f7d8f1d2b2fd3cfbd6cb5d1c9a0d7e6c8a4e4f0a4a35c8d9b7a1c5e3f20b146"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_COUNTS = {"total": 1, "succeeded": 0, "failed": 0, "pending": 1}

_SUBMISSION: dict[str, Any] = {
    "id": _ID,
    "status": "queued",
    "final": False,
    "statusDetail": "It waits for a worker, which will send it next.",
    "waitingFor": "worker",
    "needsPerson": False,
    "nextCheckAt": _NOW,
    "operation": COPY.name,
    "request": body(COPY),
    "requestSha256": HASH,
    "labels": {FILE: "march.zip"},
    "reason": REASON,
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
        "actor": {"kind": "system", "id": "system:worker", "name": HASH},
        "channel": "worker",
        "submission": _ID,
        "before": {"status": "queued"},
        "after": {"status": "sending"},
    },
}
_EVENT_LINE = json.dumps(_EVENT, separators=(",", ":"))
_CALLBACK: dict[str, Any] = {
    "url": RECEIVER,
    "state": "active",
    "failing": False,
    "detail": None,
    "pending": 0,
    "pendingSince": None,
    "lastSuccessAt": _SOON,
    "formerSecretUntil": None,
    "setAt": _NOW,
}

ANSWERS: Mapping[str, Any] = {
    "Operation": documents.operation(COPY, approvals=0),
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
        "operation": DELETE.name,
        "reason": REASON,
        "reference": "CHG-20311",
        "source": "api",
        "createdBy": _SERVICE,
        "createdAt": _NOW,
        "total": 1,
        "counts": {"queued": 1},
        "final": False,
        "files": _COUNTS,
        "requestSha256": batches.sha256([canonical.sha256(body(DELETE))]),
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
        + f"2,{FILE},march.zip,,{_ID},succeeded,succeeded,0,success,,FwY5sRk2PqLd8vTz0XbN4cJm7HgKe1AaU,\r\n"
    ),
    "File": {
        "fileId": FILE,
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
    "DownloadLink": {"url": "https://koodrive.example.com/packages/march.zip?signature=0a1b2c", "expiresAt": _SOON},
    "Evidence": {
        "checkedAt": _SOON,
        "complete": True,
        "verdict": f"Task {TASK} is the only one that fits.",
        "candidates": [
            {
                "taskId": TASK,
                "createdAt": _NOW,
                "taskType": 1,
                "actionType": 101,
                "contentNum": 1,
                "containerId": SPACE,
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
