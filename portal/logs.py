"""The two kinds of lines in the log: an event of the audit trail as JSON, and everything else in words."""

import logging
import re

EVENTS = "jobs_app.audit.events"
_EVENT = re.compile(r'\{\s*"audit"')


def is_event(line: str) -> bool:
    return _EVENT.match(line) is not None


class Words(logging.Formatter):
    """Any line but an event: whatever a stranger's text holds, nobody can take it for an event of the trail."""

    def format(self, record: logging.LogRecord) -> str:
        return _EVENT.sub("{'audit'", super().format(record))
