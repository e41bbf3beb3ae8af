"""The story of one submission, told from its events."""

from collections.abc import Iterator
from typing import Any

from ..audit import Action
from .reading import ActorKey, Event
from .telling import Bounded, Section, Table, Teller

MOST_EVENTS = 500  # of a kind
MOST_FILES = 1000

_SENDING = {
    Action.SUBMISSION_WITHHELD,
    Action.SEND_INTENDED,
    Action.SEND_ACCEPTED,
    Action.SEND_REFUSED,
    Action.SEND_RETURNED,
    Action.SEND_UNKNOWN,
    Action.SEND_CONTRADICTED,
}
_COURSE = {
    Action.TASK_STARTED,
    Action.TASK_FINISHED,
    Action.TASK_CANCEL_ASKED,
    Action.TASK_CONTRADICTED,
    Action.CANCEL_REQUESTED,
    Action.SUBMISSION_CANCELLED,
    Action.SUBMISSION_EXPIRED,
}
_LOOKED = {
    Action.PERMISSION_DENIED,
    Action.TRAIL_QUERIED,
    Action.TRAIL_EXPORTED,
    Action.EXPORT_REQUESTED,
    Action.EXPORT_HANDED_OUT,
}
# Every event but the first belongs to one of these; what none of them knows is told as something else that happened.
_GROUPS: dict[str, set[Action]] = {
    "decided": {Action.SUBMISSION_APPROVED, Action.SUBMISSION_REJECTED},
    "sending": _SENDING,
    "doubt": {Action.DOUBT_EXAMINED, Action.DOUBT_SETTLED, Action.DOUBT_BOUND, Action.DOUBT_CLOSED},
    "course": _COURSE,
    "links": {Action.LINK_HANDED_OUT},
    "looked": _LOOKED,
}
_GROUP_OF: dict[str, str] = {action: name for name, actions in _GROUPS.items() for action in actions}


class Story:
    """Takes a submission's events in order."""

    def __init__(self) -> None:
        self._created: Event | None = None
        self._finished: Event | None = None
        self._moved: Event | None = None
        self._groups = {name: Bounded[Event](MOST_EVENTS) for name in (*_GROUPS, "else")}

    def add(self, event: Event) -> None:
        if event.status:
            self._moved = event
        if event.action == Action.SUBMISSION_CREATED:
            self._created = event
            return
        if event.action == Action.TASK_FINISHED:
            self._finished = event
        self._groups[_GROUP_OF.get(event.action, "else")].add(event)

    @property
    def actors(self) -> set[ActorKey]:
        told = [event.actor for group in self._groups.values() for event in group.kept]
        return {*told, *([self._created.actor] if self._created else [])}

    def sections(self, say: Teller) -> Iterator[Section]:
        if created := self._created:
            yield self._asked(say, created)
            yield self._warned(say, created)
            needed = say("needed", n=created.body.get("approvalsNeeded", 0), seq=created.seq)
            yield self._group(say, "decided", needed)
        else:
            yield Section(say("asked"), [say("not_created")])
            yield self._group(say, "decided")
        yield self._group(say, "sending")
        yield self._group(say, "doubt")
        yield self._group(say, "course")
        yield Section(say("files"), tables=[self._files(say)])
        yield self._group(say, "links")
        yield self._group(say, "looked", say("looked_note"))
        if self._groups["else"].kept:
            yield self._group(say, "else")

    def _group(self, say: Teller, name: str, *sentences: str) -> Section:
        return Section(say(name), sentences, [say.events(self._groups[name])])

    def _asked(self, say: Teller, created: Event) -> Section:
        body, info = created.body, created.body["request"].get("taskInfo", {})
        facts = {
            "operation": say.operation(created.operation),
            "source": info.get("srcContainerId"),
            "target": body["request"].get("dstContainerId"),
            "folder": info.get("newFilePath"),
            "items": len(info.get("fileInfo", [])),
            "reason": body.get("reason"),
            "reference": body.get("reference"),
            "retry_of": body.get("retryOf"),
            "clone_of": body.get("cloneOf"),
            "follows": body.get("follows"),
            "acknowledged": ", ".join(each["code"] for each in body.get("acknowledged", [])),
            "not_before": body.get("notBefore"),
            "not_after": body.get("notAfter"),
            "time": say.time(created),
            "by": say.who(created),
            "door": say.door(created),
            "address": body.get("ip"),
            "auth": body.get("auth"),
            "request_id": body.get("requestId"),
            "hash": body.get("requestSha256"),
        }
        rows = [[say(name), str(value), str(created.seq)] for name, value in facts.items() if value not in (None, "")]
        if self._moved and self._moved.status:
            rows.append([say("state"), say.state(self._moved.status), str(self._moved.seq)])
        return Section(say("asked"), tables=[Table(say.heads("what", "value", "event"), rows)])

    def _warned(self, say: Teller, created: Event) -> Section:
        warnings = Bounded[dict[str, Any]](MOST_EVENTS)
        for each in created.body.get("warnings", []):
            warnings.add(each)
        heads = ("p_detail", "pointer", "event")
        table = say.table(heads, warnings, lambda each: [each["detail"], each["pointer"], str(created.seq)])
        return Section(say("warned"), tables=[table])

    def _files(self, say: Teller) -> Table:
        """What was asked for, with the result where one was recorded."""
        asked = self._created.body["request"].get("taskInfo", {}).get("fileInfo", []) if self._created else []
        labels = self._created.body.get("labels", {}) if self._created else {}
        results = {each["fileId"]: each for each in (self._finished.body.get("files", []) if self._finished else [])}
        files = Bounded[str](MOST_FILES)
        for file_id in dict.fromkeys([*(each["fileId"] for each in asked), *results]):
            files.add(file_id)
        event = self._finished or self._created

        def row(file_id: str) -> list[str]:
            found = results.get(file_id, {})
            new = " ".join(str(found[name]) for name in ("newFileId", "newFilePath") if found.get(name))
            told = [labels.get(file_id, "–"), file_id, _result(say, found), new or "–"]
            return [*told, str(event.seq) if event else "–"]

        return say.table(("label", "file", "result", "new_id", "event"), files, row)


def _result(say: Teller, found: dict[str, Any]) -> str:
    status = found.get("status")
    words = say(status) if status in ("succeeded", "failed", "pending") else say("open")
    return " ".join([words, *(str(found[name]) for name in ("resultCode", "resultDesc") if found.get(name))])
