"""Every way in which a submission's life can go, tried at random against the real database and the sandbox.

The machine does what people, workers, the sweep and KooDrive do, in any order; after every step it reads the rows, the
trail and the sandbox's own record of what it received, and holds what must always be true.
"""

import json
from collections import Counter
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from jobs_app import approvals, claiming, dispatch, submissions, sweeping, tracking
from jobs_app.actors import Actor
from jobs_app.claiming import Claim
from jobs_app.koodrive import answers
from jobs_app.koodrive.answers import Outcome
from jobs_app.koodrive.sandbox import Fault, Kind, Sandbox, When
from jobs_app.models import Pause, Submission
from jobs_app.states import FINAL, FOLLOWED, State
from tests.doors import client_of
from tests.rows import numbered, remove_all

UNREACHABLE = "unreachable"
FAULTS: tuple[Fault | str | None, ...] = (
    None,
    UNREACHABLE,
    Fault(Kind.CODE, code=13000302),
    Fault(Kind.STATUS, status=401),
    Fault(Kind.STATUS, status=404),
    Fault(Kind.STATUS, status=429, retry_after=1),
    Fault(Kind.STATUS, status=500),
    Fault(Kind.STATUS, status=503, retry_after=1),
    Fault(Kind.RESET),
    Fault(Kind.RESET, when=When.AFTER),
    Fault(Kind.CLOSE, when=When.AFTER),
    Fault(Kind.GARBAGE),
    Fault(Kind.NO_DATA),
    Fault(Kind.TRUNCATED),
)
PICK = st.integers(0, 7)


class Call:
    """A claim that some worker holds, and what its call came to, once it was made."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.outcome: Outcome | None = None


class Lives(RuleBasedStateMachine):
    sandbox: Sandbox
    operator: Actor
    approver: Actor

    @initialize()
    def begin(self) -> None:
        remove_all()
        claiming._ahead = claiming._Ahead()  # what a worker has looked up goes with the rows
        Pause.objects.all().delete()
        self.sandbox.reset()
        self.client = client_of(self.sandbox)
        self.nowhere = client_of(Sandbox(), base_url="http://127.0.0.1:9")
        self.calls: list[Call] = []
        self.ids: list[UUID] = []
        self.states: dict[str, str] = {}
        self.intended: Counter[str] = Counter()
        self.seen = self._newest_event()

    # --- What people do ----------------------------------------------------------------------------------------------
    @rule(operation=st.sampled_from(["copy", "copy", "trash", "delete"]), number=st.integers(0, 2))
    def submit(self, operation: str, number: int) -> None:
        self.ids.append(submissions.submit(numbered(number, operation), by=self.operator).pk)

    @rule(pick=PICK, yes=st.booleans())
    def decide(self, pick: int, yes: bool) -> None:
        if row := self._picked(pick, State.AWAITING_APPROVAL):
            verb = approvals.approve if yes else approvals.reject
            verb(row, by=self.approver, request_sha256=row.request_sha256, comment="looked at")

    @rule(pick=PICK)
    def wish_it_cancelled(self, pick: int) -> None:
        if row := self._picked(pick, State.QUEUED, State.SENDING):
            Submission.objects.filter(pk=row.pk).update(cancel_requested_at=timezone.now())

    # --- What workers do ---------------------------------------------------------------------------------------------
    @rule()
    def claim_next(self) -> None:
        if claim := claiming.take(client=self.client):
            self.calls.append(Call(claim))

    @rule(pick=PICK)
    def claim_this(self, pick: int) -> None:
        if self.ids and (claim := claiming.take(client=self.client, only=self.ids[pick % len(self.ids)])):
            self.calls.append(Call(claim))

    @rule(pick=PICK, fault=st.sampled_from(FAULTS))
    def call(self, pick: int, fault: Fault | str | None) -> None:
        waiting = [each for each in self.calls if each.outcome is None]
        if not waiting:
            return
        call = waiting[pick % len(waiting)]
        if isinstance(fault, Fault):
            self.sandbox.faults.add(fault)
        client = self.nowhere if fault == UNREACHABLE else self.client
        row = call.claim.submission
        answer = client.create(call.claim.body, trace_id=row.trace_id or "")
        call.outcome = answers.of_create(answer, irreversible=row.kind.irreversible)

    @rule(pick=PICK)
    def record(self, pick: int) -> None:
        """However late: the claim may have been given up long ago."""
        answered = [each for each in self.calls if each.outcome]
        if answered:
            call = answered[pick % len(answered)]
            self.calls.remove(call)
            assert call.outcome
            dispatch.record_outcome(call.claim.submission, call.outcome, {})

    @rule(pick=PICK)
    def crash(self, pick: int) -> None:
        """The worker is gone, before its call or after it."""
        if self.calls:
            self.calls.pop(pick % len(self.calls))

    @rule()
    def leases_end(self) -> None:
        Submission.objects.filter(status=State.SENDING).update(due_at=timezone.now())
        sweeping.sweep(client=self.client)

    @rule()
    def sweep(self) -> None:
        sweeping.sweep(client=self.client)

    @rule()
    def time_passes(self) -> None:
        Submission.objects.filter(status__in=[State.QUEUED, *FOLLOWED], due_at__isnull=False).update(
            due_at=timezone.now()
        )
        tracking.poll(client=self.client)

    # --- What must always be true ------------------------------------------------------------------------------------
    @invariant()
    def every_change_has_exactly_one_event(self) -> None:
        for submission, event in self._new_events():
            if "after" not in event:
                continue
            before, after = event.get("before", {}).get("status"), event["after"]["status"]
            assert before == self.states.get(submission), f"{submission}: {before} to {after} is no next step"
            assert before not in FINAL, f"{submission}: {before} was final"
            self.states[submission] = after
            if after == State.SENDING:
                assert before == State.QUEUED, f"{submission}: claimed while {before}"
                self.intended[submission] += 1
        self.rows = list(Submission.objects.values("pk", "status", "attempts", "request_sha256"))
        assert {str(row["pk"]): row["status"] for row in self.rows} == self.states

    @invariant()
    def no_more_calls_than_claims_and_no_task_twice(self) -> None:
        entries = self.sandbox.received.of("create")
        traces = Counter(entry.headers["x-traceid"] for entry in entries)
        assert max(traces.values(), default=1) == 1
        sent = Counter(trace[:32] for trace in traces)
        made = Counter(entry.headers["x-traceid"][:32] for entry in entries if entry.task_id)
        assert max(made.values(), default=1) == 1
        for row in self.rows:
            assert sent[row["pk"].hex] <= row["attempts"] == self.intended[str(row["pk"])]

    @invariant()
    def twins_are_never_both_open(self) -> None:
        open_ones = [row for row in self.rows if row["status"] in (State.SENDING, State.UNKNOWN)]
        assert len({row["request_sha256"] for row in open_ones}) == len(open_ones)

    # --- Reading -----------------------------------------------------------------------------------------------------
    def _picked(self, pick: int, *states: State) -> Submission | None:
        rows = list(Submission.objects.filter(status__in=states).order_by("created_at", "pk"))
        return rows[pick % len(rows)] if rows else None

    def _new_events(self) -> list[tuple[str, dict[str, Any]]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT seq, line FROM audit.event WHERE seq > %s ORDER BY seq", [self.seen])
            found = cursor.fetchall()
        self.seen = found[-1][0] if found else self.seen
        events = [json.loads(line)["event"] for _, line in found]
        return [(event["submission"], event) for event in events if event.get("submission")]

    def _newest_event(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(seq), 0) FROM audit.event")
            return int(cursor.fetchone()[0])


def try_lives(*, examples: int, steps: int, operator: Actor, approver: Actor, reproducible: bool) -> None:
    """Runs so many lives of the machine, of at most so many steps each; fails with the shortest one that goes wrong."""
    with Sandbox(port=0, token="sandbox-token", speed=1000) as sandbox:
        Lives.sandbox, Lives.operator, Lives.approver = sandbox, operator, approver
        run_state_machine_as_test(
            Lives,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=reproducible,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
