"""Who acts: a person, a service or the portal itself, through which door and with which rights."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may be. No role includes another one."""

    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


# What takes two administrators to give, and counts for decisions only after a day.
GUARDED_ROLES = frozenset({Role.APPROVER, Role.ADMINISTRATOR})


class Scope(StrEnum):
    """What a service's token may be used for."""

    READ = "submissions:read"
    READ_ALL = "submissions:read_all"
    WRITE = "submissions:write"
    AUDIT = "audit:read"


SUBMISSION_SCOPES = (Scope.READ, Scope.READ_ALL, Scope.WRITE)


class Kind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    SYSTEM = "system"


class Channel(StrEnum):
    WEB = "web"
    API = "api"
    WORKER = "worker"
    BEAT = "beat"
    CLI = "cli"


@dataclass(frozen=True)
class Actor:
    """Who acts. ``key`` is the row's number, 0 for the portal itself; ``accountable`` that of who answers for it.

    ``operations`` and ``spaces`` are all that may be submitted, and where; when they are empty, anything and anywhere.
    ``confirmed`` is False for a person who needs a second factor and gave none in the last minutes.
    ``counting_from`` is when each role begins to count for decisions in production.
    """

    kind: Kind
    key: int
    name: str
    channel: Channel
    auth: str
    accountable: int | None = None
    token: int | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)
    counting_from: frozenset[tuple[Role, datetime]] = field(default_factory=frozenset)
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    operations: frozenset[str] = field(default_factory=frozenset)
    spaces: frozenset[str] = field(default_factory=frozenset)
    default_reason: str = ""
    confirmed: bool = True
    ip: str | None = None
    request_id: str | None = None

    @property
    def id(self) -> str:
        """Stable for ever, such as ``person:7``; names change, this doesn't."""
        return f"{self.kind}:{self.key or self.name}"


WORKER = Actor(Kind.SYSTEM, 0, "dispatch", Channel.WORKER, "worker")
TRACKER = Actor(Kind.SYSTEM, 0, "tracking", Channel.WORKER, "worker")
SETTLER = Actor(Kind.SYSTEM, 0, "settling", Channel.WORKER, "worker")
EXPORTER = Actor(Kind.SYSTEM, 0, "exporting", Channel.WORKER, "worker")
NOTIFIER = Actor(Kind.SYSTEM, 0, "callbacks", Channel.WORKER, "worker")
SWEEPER = Actor(Kind.SYSTEM, 0, "sweep", Channel.BEAT, "beat")
# The organisation's sign-in, whose word makes people and gives roles.
IDENTITY_PROVIDER = Actor(Kind.SYSTEM, 0, "identity-provider", Channel.WEB, "sso")
# Whoever was refused before it was known who they are; the channel is that of the door they tried.
STRANGER = Actor(Kind.SYSTEM, 0, "stranger", Channel.WEB, "none")
COMMAND_LINE = Actor(Kind.SYSTEM, 0, "command-line", Channel.CLI, "cli")
