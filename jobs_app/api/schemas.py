"""The shapes of what the API takes and gives, as JSON Schema: the components of its OpenAPI description."""

from typing import Any

from .. import bulk, documents, validators
from ..actors import Role, Scope
from ..audit.actions import Action
from ..models import Callback, Delivery, Submission, SubmissionFile
from ..operations import BY_NAME, OPERATIONS, Use
from ..states import State

Schema = dict[str, Any]

MOMENT: Schema = {"type": "string", "format": "date-time", "example": "2027-03-01T08:00:00Z"}
UUID: Schema = {"type": "string", "format": "uuid"}
HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(values: Any) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def record(properties: dict[str, Schema], *, optional: tuple[str, ...] = (), is_open: bool = False) -> Schema:
    """An object with exactly these properties, all there but the optional ones; an open one may have more."""
    required = [name for name in properties if name not in optional]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": is_open}
    return schema | ({"required": required} if required else {})


def listed(name: str) -> Schema:
    """A page of a list of such items."""
    address = nullable({"type": "string", "format": "uri"})
    return record({"next": address, "previous": address, "results": array(ref(name))})


def _text(longest: int, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest, **more}


_ID = _text(documents.LONGEST_ID)
_REASON = _text(documents.LONGEST_TEXT, example="CHG-20311 move of the archive")
_COUNTS = record({"total": COUNT, "succeeded": COUNT, "failed": COUNT, "pending": COUNT})
_WHO = record({"kind": one_of(["person", "service"]), "id": TEXT, "name": TEXT})
_FILE_INFO = record({"fileId": _ID, "filePath": _text(documents.LONGEST_PATH)}, optional=("filePath",))
_TASK_INFO = record(
    {
        "fileInfo": {**array(_FILE_INFO), "minItems": 1},
        "newFilePath": _text(documents.LONGEST_PATH, description="The id of the target folder."),
        "srcContainerId": _ID,
        "uncompressFilePaths": {**array(_text(documents.LONGEST_PATH)), "minItems": 1},
    },
    optional=("newFilePath", "uncompressFilePaths"),
)
_BODY = {
    "taskType": {"type": "integer", "enum": sorted({each.task_type for each in OPERATIONS})},
    "actionType": {"type": "integer", "enum": sorted(each.action_type for each in OPERATIONS if each.action_type)},
    "taskInfo": _TASK_INFO,
    "dstContainerId": _ID,
    "password": {**_ID, "description": f"An archive's; shown as {validators.MASK} ever after."},
}
_DECISION = record({"comment": nullable(_text(documents.LONGEST_TEXT)), "requestSha256": HASH}, optional=("comment",))

SCHEMAS: dict[str, Schema] = {
    "Problem": record(
        {
            "type": {"type": "string", "format": "uri", "example": "urn:koodrive-portal:problem:invalid"},
            "title": TEXT,
            "status": NUMBER,
            "detail": TEXT,
            "instance": TEXT,
            "requestId": TEXT,
            "errors": array(ref("FieldProblem")),
        }
    ),
    "FieldProblem": record({"pointer": TEXT, "code": TEXT, "detail": TEXT}),
    "NewSubmission": {
        **record(
            {
                **_BODY,
                "reason": {**_REASON, "description": "Required, unless the service has a default reason."},
                "reference": nullable(_text(validators.LONGEST_REFERENCE, example="CHG-20311")),
                "labels": {
                    "type": "object",
                    "additionalProperties": _text(documents.LONGEST_TEXT),
                    "description": "Names for people, by file id; never sent to KooDrive.",
                },
                "notBefore": nullable(MOMENT),
                "notAfter": nullable(MOMENT),
            },
            optional=("actionType", "password", "reason", "reference", "labels", "notBefore", "notAfter"),
        ),
        "description": "KooDrive's own body of POST /koodrive/ose/v1/jobs, with the portal's fields beside it.",
    },
    "NewBatch": record(
        {
            "submissions": {**array(ref("NewSubmission")), "minItems": 1, "maxItems": bulk.MOST_ROWS},
            "atomic": {**BOOLEAN, "description": "False: the good rows are stored when others are bad."},
            "reason": {**_REASON, "description": "For rows that have none."},
            "reference": nullable(_text(validators.LONGEST_REFERENCE)),
        },
        optional=("atomic", "reason", "reference"),
    ),
    "Table": {"type": "string", "description": "CSV in UTF-8, as docs/import.md has it."},
    "BatchMade": record({"batch": UUID, "results": array(ref("RowResult"))}),
    "BatchCancelled": record({"batch": UUID, "results": array(ref("RowResult"))}),
    "RowResult": record(
        {
            "index": COUNT,
            "status": NUMBER,
            "submission": {"anyOf": [ref("Submission"), UUID]},
            "errors": array(ref("FieldProblem")),
            "state": one_of(State),
        },
        optional=("submission", "errors", "state"),
        is_open=True,
    ),
    "Batch": record(
        {
            "id": UUID,
            "operation": nullable(one_of(BY_NAME)),
            "reason": nullable(TEXT),
            "reference": nullable(TEXT),
            "source": one_of(Submission.Source.values),
            "createdBy": _WHO,
            "createdAt": MOMENT,
            "total": COUNT,
            "counts": {"type": "object", "additionalProperties": COUNT, "propertyNames": one_of(State)},
            "final": BOOLEAN,
            "files": _COUNTS,
            "requestSha256": HASH,
            "approval": nullable({"type": "object"}),
            "retryOf": nullable(UUID),
            "url": TEXT,
        }
    ),
    "AnyRequest": {"description": "Anything: what is wrong with it is the answer."},
    "Submission": record(
        {
            "id": UUID,
            "status": one_of(State),
            "final": BOOLEAN,
            "statusDetail": TEXT,
            "waitingFor": nullable(TEXT),
            "needsPerson": BOOLEAN,
            "nextCheckAt": nullable(MOMENT),
            "operation": one_of(BY_NAME),
            "request": record(_BODY, optional=("actionType", "password")),
            "requestSha256": HASH,
            "labels": {"type": "object", "additionalProperties": TEXT},
            "reason": TEXT,
            "reference": nullable(TEXT),
            "batch": nullable(UUID),
            "row": nullable(COUNT),
            "source": one_of(Submission.Source.values),
            "createdBy": _WHO,
            "taskId": nullable(TEXT),
            "outcomeBasis": nullable(one_of(Submission.Basis.values)),
            "result": nullable(record({"code": TEXT, "msg": nullable(TEXT), "advice": nullable(TEXT)})),
            "progress": nullable({"type": "integer", "minimum": 0, "maximum": 100}),
            "files": _COUNTS,
            "attempts": COUNT,
            "approval": nullable(
                record(
                    {
                        "needed": COUNT,
                        "given": array(record({"by": _WHO, "at": MOMENT, "comment": TEXT})),
                        "expiresAt": nullable(MOMENT),
                    }
                )
            ),
            "retryOf": nullable(UUID),
            "notBefore": nullable(MOMENT),
            "notAfter": nullable(MOMENT),
            "createdAt": MOMENT,
            "sentAt": nullable(MOMENT),
            "acceptedAt": nullable(MOMENT),
            "finishedAt": nullable(MOMENT),
            "warnings": array(ref("FieldProblem")),
            "receipt": nullable(record({"seq": COUNT, "hash": HASH})),
            "url": TEXT,
        }
    ),
    "Validation": record(
        {
            "errors": array(ref("FieldProblem")),
            "warnings": array(ref("FieldProblem")),
            "approvalsNeeded": nullable(COUNT),
            "sameEffect": array(
                record(
                    {
                        "submission": nullable(UUID),
                        "createdBy": nullable(_WHO),
                        "createdAt": nullable(MOMENT),
                        "status": one_of(State),
                        "files": COUNT,
                    }
                )
            ),
        }
    ),
    "File": record(
        {
            "fileId": TEXT,
            "filePath": nullable(TEXT),
            "label": TEXT,
            "row": COUNT,
            "status": one_of(SubmissionFile.Status.values),
            "resultCode": nullable(TEXT),
            "resultDesc": nullable(TEXT),
            "advice": nullable(TEXT),
            "newFileId": nullable(TEXT),
            "newFilePath": nullable(TEXT),
        }
    ),
    "Entry": record({"name": TEXT, "isFolder": nullable(BOOLEAN), "size": nullable(NUMBER), "row": COUNT}),
    "Change": record(
        {
            "position": TEXT,
            "at": MOMENT,
            "submission": UUID,
            "status": one_of(State),
            "final": BOOLEAN,
            "action": one_of(Action),
            "reference": nullable(TEXT),
            "batch": nullable(UUID),
            "taskId": nullable(TEXT),
        }
    ),
    "Event": record(
        {"seq": COUNT, "at": MOMENT, "db": TEXT, "event": {"type": "object"}, "hash": HASH},
    ),
    "AuditEvent": record(
        {
            "seq": COUNT,
            "at": MOMENT,
            "db": TEXT,
            "event": {"type": "object"},
            "hash": HASH,
            "seal": nullable(COUNT),
            "line": {**TEXT, "description": "The exact text that is hashed."},
        }
    ),
    "DownloadLink": record({"url": {"type": "string", "format": "uri"}, "expiresAt": MOMENT}),
    "Evidence": record(
        {
            "checkedAt": nullable(MOMENT),
            "complete": BOOLEAN,
            "verdict": nullable(TEXT),
            "candidates": array(
                record(
                    {
                        "taskId": TEXT,
                        "createdAt": nullable(MOMENT),
                        "taskType": nullable(NUMBER),
                        "actionType": nullable(NUMBER),
                        "contentNum": nullable(NUMBER),
                        "containerId": nullable(TEXT),
                        "userId": nullable(TEXT),
                        "status": nullable(NUMBER),
                        "matches": BOOLEAN,
                        "reasons": array(record({"what": TEXT, "fits": nullable(BOOLEAN), "detail": {}})),
                    }
                )
            ),
        }
    ),
    "Operation": record(
        {
            "name": one_of(BY_NAME),
            "label": TEXT,
            "taskType": NUMBER,
            "actionType": nullable(NUMBER),
            "actionTypeMayBeOmitted": BOOLEAN,
            "effect": TEXT,
            "wayBack": TEXT,
            "irreversible": BOOLEAN,
            "oneFile": BOOLEAN,
            "fields": record(
                dict.fromkeys(("filePath", "newFilePath", "uncompressFilePaths", "password"), one_of(Use))
            ),
            "approvalsNeeded": COUNT,
        }
    ),
    "Caller": record(
        {
            "kind": one_of(["person", "service"]),
            "id": TEXT,
            "name": TEXT,
            "roles": array(one_of(Role)),
            "scopes": array(one_of(Scope)),
            "tokenExpiresAt": nullable(MOMENT),
            "tokenRotatedAt": nullable(MOMENT),
            "limits": record(
                {
                    "maxFiles": COUNT,
                    "rate": nullable({**TEXT, "example": "100/minute"}),
                    "addresses": nullable(array(TEXT)),
                    "operations": nullable(array(one_of(BY_NAME))),
                    "spaces": nullable(array(TEXT)),
                }
            ),
        }
    ),
    "NewCallback": record({"url": {"type": "string", "minLength": 1, "maxLength": 2048}}),
    "Callback": record(
        {
            "url": TEXT,
            "state": one_of(Callback.State),
            "failing": BOOLEAN,
            "detail": nullable(TEXT),
            "pending": COUNT,
            "pendingSince": nullable(MOMENT),
            "lastSuccessAt": nullable(MOMENT),
            "formerSecretUntil": nullable(MOMENT),
            "setAt": MOMENT,
            "secret": {**TEXT, "description": "When it is new, this one time."},
        },
        optional=("secret",),
    ),
    "CallbackSecret": record({"secret": TEXT, "formerSecretUntil": nullable(MOMENT)}),
    "Delivery": record(
        {
            "id": TEXT,
            "type": TEXT,
            "position": nullable(TEXT),
            "submission": nullable(UUID),
            "status": nullable(one_of(State)),
            "state": one_of(Delivery.State),
            "attempts": COUNT,
            "nextAttemptAt": nullable(MOMENT),
            "lastAttemptAt": nullable(MOMENT),
            "statusCode": nullable(NUMBER),
            "error": nullable(TEXT),
            "createdAt": MOMENT,
            "endedAt": nullable(MOMENT),
        }
    ),
    "Rotation": record(
        {"overlapSeconds": {"type": "integer", "minimum": 60, "maximum": 86_400}}, optional=("overlapSeconds",)
    ),
    "NewToken": record({"token": TEXT, "id": TEXT, "expiresAt": MOMENT, "oldTokenEndsAt": MOMENT}),
    "Decision": _DECISION,
    "NewTry": record({"reason": _REASON, "password": nullable(_ID)}, optional=("password",)),
    "Resolution": record(
        {
            "decision": one_of(["bind", "close"]),
            "taskId": nullable({"type": "string", "pattern": "^[0-9]{1,19}$"}),
            "reason": _REASON,
        },
        optional=("taskId",),
    ),
    "Nothing": {"type": "object", "maxProperties": 0, "additionalProperties": False},
}
