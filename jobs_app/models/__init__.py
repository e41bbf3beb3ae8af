"""The rows: what the portal keeps, and what belongs together, held by the database."""

from .audit import Event
from .dispatch import Pause
from .people import RoleGrant, User
from .services import ApiToken, Service
from .submissions import Approval, ArchivePassword, Submission, SubmissionFile

__all__ = [
    "ApiToken",
    "Approval",
    "ArchivePassword",
    "Event",
    "Pause",
    "RoleGrant",
    "Service",
    "Submission",
    "SubmissionFile",
    "User",
]
