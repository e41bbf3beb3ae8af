"""The JSON of what the API shows; names and shapes are its public promise."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from .. import batches, explain
from ..actors import Actor
from ..audit import Receipt, read
from ..batches import Standing
from ..canonical import moment
from ..effects import SameEffect
from ..explain import Circumstances
from ..koodrive.codes import explain as explain_code
from ..links import Link
from ..models import ApiToken, Approval, ArchiveEntry, Batch, Submission, SubmissionFile
from ..operations import Operation
from ..rotation import Rotated


def listed(results: list[Any], *, older: str | None = None, newer: str | None = None) -> dict[str, Any]:
    """The one shape of every list."""
    return {"next": older, "previous": newer, "results": results}


def operation(each: Operation, *, approvals: int) -> dict[str, Any]:
    return {
        "name": each.name,
        "label": each.label,
        "taskType": each.task_type,
        "actionType": each.action_type,
        "actionTypeMayBeOmitted": each.action_may_be_omitted,
        "effect": each.effect,
        "wayBack": each.way_back,
        "irreversible": each.irreversible,
        "oneFile": each.one_file,
        "fields": {
            "filePath": each.file_path,
            "newFilePath": each.new_file_path,
            "uncompressFilePaths": each.uncompress_file_paths,
            "password": each.password,
        },
        "approvalsNeeded": approvals,
    }


def submission(row: Submission) -> dict[str, Any]:
    return submissions([row])[0]


def submissions(rows: Sequence[Submission]) -> list[dict[str, Any]]:
    unknown = [row.pk for row in rows if row.receipt is None]
    receipts = read.receipts(unknown) if unknown else {}
    around = explain.circumstances(rows)
    return [_submission(row, row.receipt or receipts.get(row.pk), around) for row in rows]


def _submission(row: Submission, receipt: Receipt | None, around: Circumstances) -> dict[str, Any]:
    why = explain.explain(row, around)
    return {
        "id": str(row.pk),
        "status": row.status,
        "final": row.is_final,
        "statusDetail": why.sentence,
        "waitingFor": why.waiting_for,
        "needsPerson": why.needs_person,
        "nextCheckAt": moment(row.due_at),
        "operation": row.operation,
        "request": row.document,
        "requestSha256": row.request_sha256,
        "labels": row.labels,
        "reason": row.reason,
        "reference": row.reference,
        "batch": _id(row.batch_id),
        "row": row.row,
        "source": row.source,
        "createdBy": _creator(row),
        "taskId": row.task_id,
        "outcomeBasis": row.outcome_basis,
        "result": _result(row),
        "progress": row.progress,
        "files": {
            "total": row.files_total,
            "succeeded": row.files_succeeded,
            "failed": row.files_failed,
            "pending": row.files_pending,
        },
        "attempts": row.attempts,
        "approval": _approval(row),
        "retryOf": _id(row.retry_of_id),
        "notBefore": moment(row.not_before),
        "notAfter": moment(row.not_after),
        "createdAt": moment(row.created_at),
        "sentAt": moment(row.sent_at),
        "acceptedAt": moment(row.accepted_at),
        "finishedAt": moment(row.finished_at),
        "warnings": row.warnings,
        "receipt": {"seq": receipt.seq, "hash": receipt.hash} if receipt else None,
        "url": f"/submissions/{row.pk}/",
    }


def batch(row: Batch) -> dict[str, Any]:
    how = batches.standing(row)
    return {
        "id": str(row.pk),
        "operation": row.operation,
        "reason": row.reason,
        "reference": row.reference,
        "source": row.source,
        "createdBy": _creator(row),
        "createdAt": moment(row.created_at),
        "total": row.total,
        "counts": how.counts,
        "final": how.is_final,
        "files": how.files,
        "requestSha256": how.sha256,
        "approval": _agreed(how),
        "retryOf": _id(row.retry_of_id),
        "url": f"/batches/{row.pk}/",
    }


def results(row: Batch) -> dict[str, Any]:
    """What became of each row of the call that made the batch, as its answer shows it and its repetition."""
    members = submissions(list(row.members.with_people()))
    taken = [{"index": each["row"], "status": 201, "submission": each} for each in members]
    return {"batch": str(row.pk), "results": sorted(taken + row.refused, key=lambda each: int(each["index"]))}


def same_effect(found: SameEffect) -> dict[str, Any]:
    """Of a submission that the caller may not see, only that there is one."""
    row = found.row
    return {
        "submission": str(row.pk) if row else None,
        "createdBy": _creator(row) if row else None,
        "createdAt": moment(row.created_at) if row else None,
        "status": found.status,
        "files": found.files,
    }


def file(each: SubmissionFile) -> dict[str, Any]:
    known = explain_code(each.result_code)
    return {
        "fileId": each.file_id,
        "filePath": each.file_path,
        "label": each.label,
        "row": each.row,
        "status": each.status,
        "resultCode": each.result_code,
        "resultDesc": each.result_desc,
        "advice": known.advice if known else None,
        "newFileId": each.new_file_id,
        "newFilePath": each.new_file_path,
    }


def entry(each: ArchiveEntry) -> dict[str, Any]:
    return {"name": each.name, "isFolder": each.is_folder, "size": each.size, "row": each.row}


def link(found: Link) -> dict[str, Any]:
    return {"url": found.url, "expiresAt": moment(found.expires_at)}


def caller(actor: Actor, *, token: ApiToken | None, max_files: int) -> dict[str, Any]:
    """A list of limits that is null doesn't hold back."""
    return {
        "kind": actor.kind,
        "id": actor.id,
        "name": actor.name,
        "roles": sorted(actor.roles),
        "scopes": sorted(actor.scopes),
        "tokenExpiresAt": moment(token.ends_at) if token else None,
        "tokenRotatedAt": moment(_rotation(token)) if token else None,
        "limits": {
            "maxFiles": max_files,
            "rate": token.rate or None if token else None,
            "addresses": token.addresses or None if token else None,
            "operations": sorted(actor.operations) or None,
            "spaces": sorted(actor.spaces) or None,
        },
    }


def rotated(each: Rotated) -> dict[str, Any]:
    return {
        "token": each.secret,
        "id": each.token.ref,
        "expiresAt": moment(each.token.expires_at),
        "oldTokenEndsAt": moment(each.old_ends),
    }


def _rotation(token: ApiToken) -> datetime | None:
    """The last one that it had part in: as the old token, or else as the new one."""
    return token.rotated_at or (token.created_at if token.replaces_id else None)


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None


def _creator(row: Submission | Batch) -> dict[str, str]:
    kind, key = ("person", row.person_id) if row.service_id is None else ("service", row.service_id)
    return {"kind": kind, "id": f"{kind}:{key}", "name": row.creator_name}


def _person(user: Any) -> dict[str, str]:
    return {"kind": "person", "id": f"person:{user.pk}", "name": user.get_username()}


def _result(row: Submission) -> dict[str, Any] | None:
    if row.result_code is None:
        return None
    known = explain_code(row.result_code)
    advice = known.advice if known and row.result_code != "0" else None
    return {"code": row.result_code, "msg": row.result_message, "advice": advice}


def _agreed(how: Standing) -> dict[str, Any] | None:
    if how.needed == 0:
        return None
    given = [{"by": _person(each.by), "at": moment(each.at), "comment": each.comment} for each in how.given]
    return {"needed": how.needed, "given": given, "expiresAt": moment(how.expires_at)}


def _approval(row: Submission) -> dict[str, Any] | None:
    if not row.approvals_needed:
        return None
    approved = [each for each in row.approvals.all() if each.decision == Approval.Decision.APPROVED]
    given = [each for each in approved if each.superseded_at is None]
    return {
        "needed": row.approvals_needed,
        "given": [{"by": _person(each.by), "at": moment(each.at), "comment": each.comment} for each in given],
        "expiresAt": moment(row.approval_expires_at),
    }
