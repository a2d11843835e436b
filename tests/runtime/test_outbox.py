"""What a worker says leaves in its order: held back only while nothing is at stake."""

import threading
from pathlib import Path

from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import Response
from osiris_inspect.runtime.worker.message_writer import MessageWriter
from tests.runtime.runs import events_of, faulty, make_run


def _numbers(data: bytes) -> list[int | None]:
    return [rpc.sequence_of(line) for line in data.split(b"\n")[:-1]]


def test_what_is_held_leaves_in_one_write_and_in_its_order() -> None:
    written: list[bytes] = []
    outbox = MessageWriter(written.append)
    outbox.send(Response(0))
    outbox.start_batch()
    for number in (1, 2, 3):
        outbox.send(Response(number))
    assert list(map(_numbers, written)) == [[0]]
    outbox.flush()
    outbox.flush()
    outbox.send(Response(4))
    assert list(map(_numbers, written)) == [[0], [1, 2, 3], [4]]


def test_a_sign_of_life_does_not_wait_and_takes_along_what_came_before_it() -> None:
    written: list[bytes] = []
    outbox = MessageWriter(written.append)
    outbox.start_batch()
    outbox.send(Response(0))
    other = threading.Thread(target=outbox.send, args=(Response(1),))
    other.start()
    other.join()
    assert list(map(_numbers, written)) == [[0, 1]]


def test_all_that_was_told_before_a_driver_died_is_in_the_log(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, "none", text=faulty("os_exit"))
    names = [event["event"] for event in events_of(outcome.path) if event.get("step_id") == "first"]
    assert names == ["cfg_opened", "step_start", "artifact_created", "step_failed"]
