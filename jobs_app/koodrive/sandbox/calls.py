"""The four calls of KooDrive's jobs API: who may call, is it valid, what goes wrong, what is done."""

from collections.abc import Callable
from typing import Any, TypeAlias

from . import access, faults, magic, messages, verify, views
from .connection import Outcome, Reply
from .faults import Call, When
from .http import Answer, Request, as_json, encode
from .jobs import Plan, Task
from .received import Entry, file_ids
from .state import State
from .verify import Wanted

PREFIX = "/koodrive/ose/v1/"
LONGEST_LIST = 100
FURTHEST_OFFSET = 10**9

_ROUTES = {("POST", "jobs"): Call.CREATE, ("GET", "jobs"): Call.LIST, ("POST", "cancel"): Call.CANCEL}

Act: TypeAlias = Callable[[Entry], Answer]


class Refused(Exception):
    """Nothing is done; the caller gets this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Calls:
    """Answers the calls of the API on ``state``."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._verbs = {
            Call.CREATE: self._create,
            Call.LIST: self._list,
            Call.DETAIL: self._detail,
            Call.CANCEL: self._cancel,
        }

    def handle(self, request: Request) -> Outcome:
        now = self._state.clock.now()
        call = _call(request)
        document = verify.parsed(request.body) if request.body else None
        entry = self._state.received.add(call or "none", request, document, at=now)
        if call is None:
            answer = messages.gateway(404, "APIGW.0101", "The API does not exist or has not been published.")
            return Reply(encode(answer, now=now))
        named = file_ids(document)
        striking = self._state.faults.take(call, named)
        broken = faults.broken(striking)
        try:
            act = self._prepared(call, request, document)
            if not broken and call is Call.CREATE and (broken := self._state.script.fault(named)):
                striking.append(broken)
        except Refused as refused:
            act = _giving(refused.answer)
        entry.faults = [f"{fault.kind} {fault.when}" for fault in striking]
        if broken and broken.when is When.BEFORE:
            self._state.received.keep(entry)
        return faults.strike(striking, lambda: self._carried_out(act, entry), target=request.target, now=now)

    def _carried_out(self, act: Act, entry: Entry) -> Answer:
        answer = act(entry)
        self._state.received.keep(entry)
        return answer

    def _prepared(self, call: Call, request: Request, document: Any) -> Act:
        """The call, checked and ready to be carried out. Raises ``Refused``."""
        state = self._state
        if stranger := access.refusal(request, state.tokens, state.app, state.clock.now()):
            raise Refused(stranger)
        try:
            verify.trace_id(request.headers)
            return self._verbs[call](request, document)
        except verify.Invalid as error:
            raise self._refused(request, messages.INVALID) from error

    def _create(self, request: Request, document: Any) -> Act:
        wanted = verify.wanted(document)
        plan = self._plan(request, wanted)

        def act(entry: Entry) -> Answer:
            entry.task_id = self._state.jobs.create(wanted, plan).task_id
            return self._success(request, data=entry.task_id)

        return act

    def _list(self, request: Request, document: Any) -> Act:
        query = request.parameters()
        first = self._state.quirks.offset_base
        offset = verify.whole_number(query.get("offset"), least=first, most=FURTHEST_OFFSET) - first
        limit = verify.whole_number(query.get("limit"), least=1, most=LONGEST_LIST)
        task_type = verify.whole_number(query["type"], least=1, most=7) if "type" in query else None
        status = verify.whole_number(query["status"], least=0, most=3) if "status" in query else None

        def act(entry: Entry) -> Answer:
            now, quirks = self._state.clock.now(), self._state.quirks
            tasks = self._state.jobs.page(
                offset=offset, limit=limit, task_type=task_type, status=status, oldest_first=quirks.oldest_first
            )
            return self._success(request, data=[views.job_info(task, now, quirks) for task in tasks])

        return act

    def _detail(self, request: Request, document: Any) -> Act:
        task = self._task(request, request.path[len(PREFIX) :])

        def act(entry: Entry) -> Answer:
            state = self._state
            return self._success(request, data=views.detail(task, state.clock.now(), state.quirks, url=state.url))

        return act

    def _cancel(self, request: Request, document: Any) -> Act:
        task = self._task(request, verify.job_id(document))

        def act(entry: Entry) -> Answer:
            # KooDrive's page says only that a stopped task is skipped, so that answers as a cancelled one does.
            self._state.jobs.cancel(task)
            return self._success(request)

        return act

    def _task(self, request: Request, task_id: str) -> Task:
        task = self._state.jobs.get(task_id)
        if task is None:
            raise self._refused(request, messages.NOT_FOUND)
        return task

    def _plan(self, request: Request, wanted: Wanted) -> Plan:
        try:
            return magic.plan(wanted)
        except KeyError as error:
            detail = f"There is no magic file id with the keyword {error}; GET / lists them."
            raise self._refused(request, messages.INVALID, detail) from error

    def _refused(self, request: Request, code: int, detail: str = "") -> Refused:
        language, as_text = request.headers.get("language", ""), self._state.quirks.code_as_text
        return Refused(messages.refusal(code, language=language, as_text=as_text, detail=detail))

    def _success(self, request: Request, **data: Any) -> Answer:
        code = messages.code_field(0, as_text=self._state.quirks.code_as_text)
        return as_json(200, data | {"code": code, "msg": messages.message(0, request.headers.get("language", ""))})


def _giving(answer: Answer) -> Act:
    return lambda entry: answer


def _call(request: Request) -> Call | None:
    if not request.path.startswith(PREFIX):
        return None
    name = request.path[len(PREFIX) :]
    if request.method == "GET" and name.isascii() and name.isdigit():
        return Call.DETAIL
    return _ROUTES.get((request.method, name))
