"""Everything that the trail can say: a closed list of ``noun.verb``. A retired action stays listed."""

from enum import StrEnum


class Action(StrEnum):
    SUBMISSION_CREATED = "submission.created"
    SUBMISSION_APPROVED = "submission.approved"
    SUBMISSION_REJECTED = "submission.rejected"
    SUBMISSION_EXPIRED = "submission.expired"
    SEND_INTENDED = "send.intended"
    SEND_ACCEPTED = "send.accepted"
    SEND_REFUSED = "send.refused"
    SEND_RETURNED = "send.returned"
    SEND_UNKNOWN = "send.unknown"
    TASK_STARTED = "task.started"
    TASK_FINISHED = "task.finished"
    DISPATCH_PAUSED = "dispatch.paused"
    DISPATCH_RESUMED = "dispatch.resumed"
    PERMISSION_DENIED = "permission.denied"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    PERSON_CREATED = "person.created"
    SERVICE_CREATED = "service.created"
    TOKEN_CREATED = "token.created"


MEANINGS = {
    Action.SUBMISSION_CREATED: "A request was stored; the line carries it whole, with its labels and its hash.",
    Action.SUBMISSION_APPROVED: "A person approved exactly the request with this hash.",
    Action.SUBMISSION_REJECTED: "A person rejected it, for good.",
    Action.SUBMISSION_EXPIRED: "Its time ran out before it was approved or sent.",
    Action.SEND_INTENDED: "The worker is about to call KooDrive; written before the connection is opened.",
    Action.SEND_ACCEPTED: "KooDrive gave a task id.",
    Action.SEND_REFUSED: "KooDrive answered with an error and did nothing.",
    Action.SEND_RETURNED: "The call surely did nothing; the submission waits for another try.",
    Action.SEND_UNKNOWN: "It was or may have been sent, and no certain answer came.",
    Action.TASK_STARTED: "KooDrive began to work on the task.",
    Action.TASK_FINISHED: "The task ended; the line carries what became of every file.",
    Action.DISPATCH_PAUSED: "Nothing is sent until the named cause is gone.",
    Action.DISPATCH_RESUMED: "Sending goes on.",
    Action.PERMISSION_DENIED: "Somebody tried what they have no right to.",
    Action.SESSION_STARTED: "A person signed in.",
    Action.SESSION_ENDED: "A person signed out.",
    Action.PERSON_CREATED: "A person was added, with these roles.",
    Action.SERVICE_CREATED: "A service was added.",
    Action.TOKEN_CREATED: "A token of a service was made, with these scopes.",
}
