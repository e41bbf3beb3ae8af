"""The rows: what the portal keeps, and what belongs together, held by the database."""

from .audit import Event
from .dispatch import Credential, Heartbeat, Pause
from .people import RoleGrant, User
from .services import ApiToken, Service
from .submissions import Approval, ArchiveEntry, ArchivePassword, DownloadLink, Submission, SubmissionFile

__all__ = [
    "ApiToken",
    "Approval",
    "ArchiveEntry",
    "ArchivePassword",
    "Credential",
    "DownloadLink",
    "Event",
    "Heartbeat",
    "Pause",
    "RoleGrant",
    "Service",
    "Submission",
    "SubmissionFile",
    "User",
]
