"""Worker and broker die while work is under way: nothing is lost and nothing is sent twice."""

from jobs_app.audit import read
from jobs_app.models import Submission
from tests.conftest import Api
from tests.examples import body, file_id
from tests.processes import Processes, eventually, settled
from tests.servers import Broker

MANY = 50


def test_killing_worker_and_broker_under_load_loses_and_doubles_nothing(
    service: Api, own: Processes, broker: Broker
) -> None:
    worker = own.worker()
    beat = own.beat()
    made = []
    for number in range(MANY):
        given = body("copy")
        given["taskInfo"]["fileInfo"] = [{"fileId": file_id(number)}]
        answer = service.post("submissions/", given)
        assert answer.status_code == 201
        made.append(Submission.objects.get(pk=answer.json()["id"]))
        if number == MANY // 3:
            eventually(lambda: len(own.sandbox.received) > 0, what="a first call")
            own.kill(worker)
            broker.kill()
        if number == MANY // 2:
            broker.start()
            worker = own.worker()
        if number == MANY * 3 // 4:
            own.kill(worker)
            own.kill(beat)
    own.worker()
    own.beat()
    ended = settled(*made, patience=120)

    calls = own.sandbox.received.creates_by_file()
    for number, row in enumerate(ended):
        assert calls[file_id(number)] <= 1
        assert row.status == "unknown" or (row.status == "succeeded" and calls[file_id(number)] == 1)
        intents = [line for line in read.of_submission(row.pk) if line.parsed["event"]["action"] == "send.intended"]
        assert len(intents) == row.attempts >= calls[file_id(number)]
    assert sum(row.status == "succeeded" for row in ended) >= MANY - 2 * 8
