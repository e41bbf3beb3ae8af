"""Everything that the trail can say: a closed list of ``noun.verb``. A retired action stays listed."""

from collections.abc import Mapping
from enum import StrEnum


class Action(StrEnum):
    SUBMISSION_CREATED = "submission.created"
    SUBMISSION_APPROVED = "submission.approved"
    SUBMISSION_REJECTED = "submission.rejected"
    SUBMISSION_EXPIRED = "submission.expired"
    SUBMISSION_RETURNED = "submission.returned"
    SUBMISSION_WITHHELD = "submission.withheld"
    CANCEL_REQUESTED = "cancel.requested"
    SUBMISSION_CANCELLED = "submission.cancelled"
    SEND_INTENDED = "send.intended"
    SEND_ACCEPTED = "send.accepted"
    SEND_REFUSED = "send.refused"
    SEND_RETURNED = "send.returned"
    SEND_UNKNOWN = "send.unknown"
    SEND_CONTRADICTED = "send.contradicted"
    DOUBT_EXAMINED = "doubt.examined"
    DOUBT_SETTLED = "doubt.settled"
    DOUBT_BOUND = "doubt.bound"
    DOUBT_CLOSED = "doubt.closed"
    TASK_STARTED = "task.started"
    TASK_FINISHED = "task.finished"
    TASK_CANCEL_ASKED = "task.cancel_asked"
    TASK_CONTRADICTED = "task.contradicted"
    LINK_HANDED_OUT = "link.handed_out"
    DISPATCH_PAUSED = "dispatch.paused"
    DISPATCH_RESUMED = "dispatch.resumed"
    PERMISSION_DENIED = "permission.denied"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    SESSION_REFUSED = "session.refused"
    SESSION_THROTTLED = "session.throttled"
    SESSION_CONFIRMED = "session.confirmed"
    SECOND_FACTOR_ADDED = "second_factor.added"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    RECOVERY_CODE_USED = "recovery_code.used"
    SIGN_IN_RESET = "sign_in.reset"
    SSO_LINKED = "sso.linked"
    SSO_UNLINKED = "sso.unlinked"
    ROLE_GIVEN = "role.given"
    ROLE_TAKEN = "role.taken"
    ACCESS_REFUSED = "access.refused"
    PERSON_CREATED = "person.created"
    PERSON_CHANGED = "person.changed"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_REACTIVATED = "person.reactivated"
    PERSON_ENDED = "person.ended"
    SIGN_IN_INVITED = "sign_in.invited"
    PASSWORD_CHANGED = "password.changed"
    NAME_ERASED = "name.erased"
    SERVICE_CREATED = "service.created"
    SERVICE_CHANGED = "service.changed"
    TOKEN_CREATED = "token.created"
    TOKEN_CHANGED = "token.changed"
    TOKEN_ROTATED = "token.rotated"
    TOKEN_PAUSED = "token.paused"
    TOKEN_RESUMED = "token.resumed"
    TOKEN_REVOKED = "token.revoked"
    TOKEN_USED = "token.used"
    CHANGE_PROPOSED = "change.proposed"
    CHANGE_CONFIRMED = "change.confirmed"
    CHANGE_REFUSED = "change.refused"
    CHANGE_WITHDRAWN = "change.withdrawn"
    CHANGE_EXPIRED = "change.expired"
    SPACE_ADDED = "space.added"
    SPACE_CHANGED = "space.changed"
    SPACE_REMOVED = "space.removed"
    HOLD_SET = "hold.set"
    HOLD_SHORTENED = "hold.shortened"
    HOLD_LIFTED = "hold.lifted"
    POLICY_CHANGED = "policy.changed"
    POLICY_SET_UP = "policy.set_up"
    CREDENTIALS_CHANGED = "credentials.changed"
    KEYS_ROTATED = "keys.rotated"
    CALLBACK_SET = "callback.set"
    CALLBACK_REMOVED = "callback.removed"
    CALLBACK_PAUSED = "callback.paused"
    CALLBACK_RESUMED = "callback.resumed"
    CALLBACK_DISABLED = "callback.disabled"
    CALLBACK_ROTATED = "callback.rotated"
    CALLBACK_RESENT = "callback.resent"
    CALLBACK_TESTED = "callback.tested"
    TRAIL_VERIFIED = "trail.verified"
    TRAIL_QUERIED = "trail.queried"
    TRAIL_EXPORTED = "trail.exported"
    EXPORT_REQUESTED = "export.requested"
    EXPORT_HANDED_OUT = "export.handed_out"
    TASKS_COMPARED = "tasks.compared"
    TASKS_NOTED = "tasks.noted"


# What only looks; a search leaves it out unless it is asked for.
READS = frozenset({Action.TRAIL_QUERIED})

MEANINGS: Mapping[str, str] = {
    Action.SUBMISSION_CREATED: "A request was stored; the line carries it whole, with its labels and its hash.",
    Action.SUBMISSION_APPROVED: "A person approved exactly the request with this hash.",
    Action.SUBMISSION_REJECTED: "A person rejected it, for good.",
    Action.SUBMISSION_EXPIRED: "Its time ran out before it was approved or sent.",
    Action.SUBMISSION_RETURNED: "Its approvals didn't hold any more when it was to be sent; the line says why.",
    Action.SUBMISSION_WITHHELD: "It can't be sent as it stands; the line says why, and a person has to mend it.",
    Action.CANCEL_REQUESTED: "Somebody wants it stopped; it was being sent, or KooDrive has it.",
    Action.SUBMISSION_CANCELLED: "It was cancelled before anything was sent.",
    Action.SEND_INTENDED: "The worker is about to call KooDrive; written before the connection is opened.",
    Action.SEND_ACCEPTED: "KooDrive gave a task id.",
    Action.SEND_REFUSED: "KooDrive answered with an error and did nothing.",
    Action.SEND_RETURNED: "The call surely did nothing; the submission waits for another try.",
    Action.SEND_UNKNOWN: "It was or may have been sent, and no certain answer came.",
    Action.SEND_CONTRADICTED: "A late answer names another task than the one that was found; a person has to look.",
    Action.DOUBT_EXAMINED: "KooDrive's tasks were searched for it and left it open; a person has to decide.",
    Action.DOUBT_SETTLED: "Exactly one task in KooDrive fits, and it was bound; the line carries the evidence.",
    Action.DOUBT_BOUND: "A person bound a task in KooDrive to it.",
    Action.DOUBT_CLOSED: "A person closed it without certain evidence.",
    Action.TASK_STARTED: "KooDrive began to work on the task.",
    Action.TASK_FINISHED: "The task ended; the line carries what became of every file.",
    Action.TASK_CANCEL_ASKED: "KooDrive was asked to stop the task; its state tells whether it did.",
    Action.TASK_CONTRADICTED: "The task that was bound isn't what was asked for; a person has to look.",
    Action.LINK_HANDED_OUT: "The address of a package was handed out; the line doesn't carry it.",
    Action.DISPATCH_PAUSED: "Nothing, or nothing of the named operation or space, is sent until this is over.",
    Action.DISPATCH_RESUMED: "Sending, or that of the named operation or space, goes on.",
    Action.PERMISSION_DENIED: "Somebody tried what they have no right to.",
    Action.SESSION_STARTED: "A person signed in, in the way that `auth` tells.",
    Action.SESSION_ENDED: "A person signed out, or a session was ended; then the line says why, and whose.",
    Action.SESSION_REFUSED: "Signing in failed; one line counts what one address tried on one account in a minute. "
    "With the step `second factor` the password was right.",
    Action.SESSION_THROTTLED: "Tries to sign in were refused unseen, because too many had failed; one line counts "
    "those of a minute, and names no address when many took part.",
    Action.SESSION_CONFIRMED: "A signed-in person proved once more who they are, before something that weighs.",
    Action.SECOND_FACTOR_ADDED: "A person set up a second factor.",
    Action.SECOND_FACTOR_REMOVED: "A person removed a second factor.",
    Action.RECOVERY_CODES_MADE: "A person made new recovery codes; the former ones don't work any more.",
    Action.RECOVERY_CODE_USED: "A person used a recovery code as second factor; the line says how many are left.",
    Action.SIGN_IN_RESET: "A person's password and second factors were taken away; they got a link to set a password.",
    Action.SSO_LINKED: "A person can sign in through the organisation's identity provider from now on.",
    Action.SSO_UNLINKED: "A person can't sign in through the organisation's identity provider any more.",
    Action.ROLE_GIVEN: "A person was given these roles; the line names the proposal where it took two administrators. "
    "The source `sso` is a group of the identity provider.",
    Action.ROLE_TAKEN: "These roles were taken from a person; the source `sso` is a group of the identity provider.",
    Action.ACCESS_REFUSED: "A token that isn't valid was used; one line counts the calls from one address in a minute, "
    "or stands for all calls in a minute with one known token, and says why that one was refused.",
    Action.PERSON_CREATED: "A person was added, with these roles.",
    Action.PERSON_CHANGED: "A person has another last day or mail address; the line doesn't carry the address.",
    Action.PERSON_DEACTIVATED: "A person can't sign in any more, and their roles count for nothing.",
    Action.PERSON_REACTIVATED: "A person may sign in again, with the roles that they have.",
    Action.PERSON_ENDED: "A person's last day is over: they can't sign in, and their roles count for nothing.",
    Action.SIGN_IN_INVITED: "A link by which a person sets their password was mailed, or shown to an administrator; "
    "the line says which.",
    Action.PASSWORD_CHANGED: "A person has another password.",
    Action.NAME_ERASED: "A person's name was erased; the lines keep the hash that stood for it.",
    Action.SERVICE_CREATED: "A service was added.",
    Action.SERVICE_CHANGED: "A service has another owner or other properties; the line has them before and after.",
    Action.TOKEN_CREATED: "A token of a service was made, with these scopes, this end and these limits.",
    Action.TOKEN_CHANGED: "A token has other limits; the line has them before and after.",
    Action.TOKEN_ROTATED: "Another token takes the place of this one, which works until the named time.",
    Action.TOKEN_PAUSED: "A token doesn't work until somebody resumes it.",
    Action.TOKEN_RESUMED: "A paused token works again.",
    Action.TOKEN_REVOKED: "A token doesn't work any more, for good.",
    Action.TOKEN_USED: "A token was used for the first time.",
    Action.CHANGE_PROPOSED: "An administrator proposed a change that takes two; nothing has changed yet.",
    Action.CHANGE_CONFIRMED: "Another administrator confirmed the proposed change, and it was made.",
    Action.CHANGE_REFUSED: "Another administrator refused the proposed change; nothing changes.",
    Action.CHANGE_WITHDRAWN: "Whoever proposed the change took it back; nothing changes.",
    Action.CHANGE_EXPIRED: "Nobody decided about the proposed change in time; nothing changes.",
    Action.SPACE_ADDED: "A space was added to the directory, with this name and these rules.",
    Action.SPACE_CHANGED: "A space has another name, owner or rules; the line has them before and after.",
    Action.SPACE_REMOVED: "A space was removed from the directory; no rule stood for it.",
    Action.HOLD_SET: "A legal hold stands for a space: nothing is moved or deleted from it until it ends.",
    Action.HOLD_SHORTENED: "The legal hold of a space ends earlier; two administrators wanted it.",
    Action.HOLD_LIFTED: "The legal hold of a space was lifted; two administrators wanted it.",
    Action.POLICY_CHANGED: "Other rules hold from now on; the line has those that differ, before and after.",
    Action.POLICY_SET_UP: "The set-up phase is over, for good: loosening the policy takes two administrators now.",
    Action.CREDENTIALS_CHANGED: "Another KooDrive token is used from now on; the line names it without revealing it.",
    Action.KEYS_ROTATED: "Secrets at rest were encrypted anew with the newest key; the line says how many.",
    Action.CALLBACK_SET: "A service's notices of changes go to this address from now on.",
    Action.CALLBACK_REMOVED: "A service gets no notices any more; its log of deliveries went with the callback.",
    Action.CALLBACK_PAUSED: "An administrator stopped the notices of a service; what happens meanwhile is kept.",
    Action.CALLBACK_RESUMED: "An administrator let the notices of a service go on.",
    Action.CALLBACK_DISABLED: "The receiver answered 410, so it gets no notices until somebody sets or resumes it.",
    Action.CALLBACK_ROTATED: "The notices of a service are signed with another secret; the line doesn't carry it.",
    Action.CALLBACK_RESENT: "Notices that were delivered or given up are sent again; the line says how many.",
    Action.CALLBACK_TESTED: "An administrator had a test notice sent.",
    Action.TRAIL_VERIFIED: "The whole trail was checked against its seals, with this result.",
    Action.TRAIL_QUERIED: "Somebody searched the trail; going on with the same search is no new line.",
    Action.TRAIL_EXPORTED: "An archive of the trail, or of a part of it, was written.",
    Action.EXPORT_REQUESTED: "Somebody asked for an archive, an evidence pack or a table of the trail.",
    Action.EXPORT_HANDED_OUT: "An export was loaded by somebody.",
    Action.TASKS_COMPARED: "KooDrive's tasks were held against the submissions; the line names those that aren't ours.",
    Action.TASKS_NOTED: "Somebody looked into a task that the portal did not send.",
}


def meaning(action: str) -> str:
    """What an action says; one that a newer version of the portal has recorded says its own name."""
    return MEANINGS.get(action, action)
