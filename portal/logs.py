"""The lines in the log: an event of the trail as JSON, and everything else in words or as JSON of another form."""

import json
import logging
import re
from datetime import UTC, datetime

from jobs_app import tracing

EVENTS = "jobs_app.audit.events"
_EVENT = re.compile(r'\{\s*"audit"')


def is_event(line: str) -> bool:
    return _EVENT.match(line) is not None


class Words(logging.Formatter):
    """Any line but an event: whatever a stranger's text holds, nobody can take it for an event of the trail."""

    def format(self, record: logging.LogRecord) -> str:
        return _EVENT.sub("{'audit'", super().format(record))


class Objects(logging.Formatter):
    """The same as one object of JSON a line, with the ids of what it is about, and a traceback in it.

    Within the object every quotation mark of a text is escaped, so nobody can take it for an event either.
    """

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **tracing.ids(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)
