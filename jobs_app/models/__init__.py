"""The rows: what the portal keeps, and what belongs together, held by the database."""

from .audit import Event, Export, ExportPart, RefusedAttempt
from .batches import Batch
from .callbacks import Callback, Delivery
from .dispatch import Credential, ForeignTask, Heartbeat, Pause
from .filters import SavedFilter
from .keys import IdempotencyKey
from .notices import Notice, NoticeChoice, NoticeState
from .people import RoleGrant, User
from .policies import Policy, Spent
from .proposals import Proposal
from .services import ApiToken, Service, TokenState
from .spaces import Space
from .submissions import Approval, ArchiveEntry, ArchivePassword, DownloadLink, Submission, SubmissionFile

__all__ = [
    "ApiToken",
    "Approval",
    "ArchiveEntry",
    "ArchivePassword",
    "Batch",
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
    "Notice",
    "NoticeChoice",
    "NoticeState",
    "Pause",
    "Policy",
    "Proposal",
    "RefusedAttempt",
    "RoleGrant",
    "SavedFilter",
    "Service",
    "Space",
    "Spent",
    "Submission",
    "SubmissionFile",
    "TokenState",
    "User",
]
