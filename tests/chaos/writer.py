"""A writer of the trail, in a process of its own: adds events until its time is up, some of them rolled back.

Without Django, so that what is measured is the database. Says as JSON which events it committed, and in how many
seconds each was written.
"""

import json
import random
import sys
import time

import psycopg

RECORD = "SELECT seq FROM audit.record(%s)"
EVENT = (
    '{"action":"session.started","outcome":"ok","channel":"worker",'
    '"actor":{"kind":"person","id":"person:1","name":"-"},"note":"%s"}'
)
ROLLED_BACK = 0.1
WORK = 0.008  # seconds at most that a transaction goes on after its event
LONG_WORK, LONG_EVERY = 2.0, 20.0


def main(address: str, seconds: float, seed: int, *, has_long_ones: bool) -> None:
    chance = random.Random(seed)
    committed, waits = [], []
    end, next_long = time.monotonic() + seconds, time.monotonic() + LONG_EVERY if has_long_ones else float("inf")
    with psycopg.connect(address, autocommit=True) as connection:
        while (now := time.monotonic()) < end:
            is_long = now > next_long
            next_long = now + LONG_EVERY if is_long else next_long
            is_kept = is_long or chance.random() > ROLLED_BACK
            with connection.transaction():
                seq, waited = _write(connection, seed)
                time.sleep(LONG_WORK if is_long else chance.random() * WORK)
                if not is_kept:
                    raise psycopg.Rollback
            waits.append(waited)
            committed += [seq] if is_kept else []
    print(json.dumps({"committed": committed, "waits": waits}))


def _write(connection: "psycopg.Connection[tuple[int]]", seed: int) -> tuple[int, float]:
    began = time.perf_counter()
    row = connection.execute(RECORD, [[EVENT % seed]]).fetchone()
    assert row
    return row[0], time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), has_long_ones=sys.argv[4] == "long")
