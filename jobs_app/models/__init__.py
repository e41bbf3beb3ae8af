"""The rows: what the portal keeps, and what belongs together, held by the database."""

from .audit import Event, Export, ExportPart, RefusedAttempt
from .callbacks import Callback, Delivery
from .dispatch import Credential, ForeignTask, Heartbeat, Pause
from .keys import IdempotencyKey
from .people import RoleGrant, User
from .services import ApiToken, Service
from .submissions import Approval, ArchiveEntry, ArchivePassword, DownloadLink, Submission, SubmissionFile

__all__ = [
    "ApiToken",
    "Approval",
    "ArchiveEntry",
    "ArchivePassword",
    "Callback",
    "Credential",
    "Delivery",
    "DownloadLink",
    "Event",
    "Export",
    "ExportPart",
    "ForeignTask",
    "Heartbeat",
    "IdempotencyKey",
    "Pause",
    "RefusedAttempt",
    "RoleGrant",
    "Service",
    "Submission",
    "SubmissionFile",
    "User",
]
