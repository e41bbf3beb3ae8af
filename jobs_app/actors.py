"""Who acts: a person, a service or the portal itself, through which door and with which rights."""

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a person may be. No role includes another one."""

    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


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
    """Who acts. ``key`` is the row's number; ``accountable`` the number of the person who answers for it, if any."""

    kind: Kind
    key: int | None
    name: str
    channel: Channel
    auth: str
    accountable: int | None = None
    token: int | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    ip: str | None = None
    request_id: str | None = None

    @property
    def id(self) -> str:
        """Stable for ever, such as ``person:7``; names change, this doesn't."""
        return f"{self.kind}:{self.key if self.key is not None else self.name}"


WORKER = Actor(Kind.SYSTEM, None, "dispatch", Channel.WORKER, "worker")
TRACKER = Actor(Kind.SYSTEM, None, "tracking", Channel.WORKER, "worker")
SWEEPER = Actor(Kind.SYSTEM, None, "sweep", Channel.BEAT, "beat")
COMMAND_LINE = Actor(Kind.SYSTEM, None, "command-line", Channel.CLI, "cli")
