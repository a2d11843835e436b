import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import (
    Command,
    ErrorResponse,
    EventMessage,
    MetricMessage,
    Response,
)
from osiris_inspect.runtime.worker.__main__ import escape_non_ascii

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.text(min_size=1).filter(lambda key: key not in ("type", "id", "cmd", "n")), JSON, max_size=4
)


@given(FIELDS, st.integers(0, 2**40))
def test_every_reply_comes_back_as_it_was_sent(fields: dict[str, object], number: int) -> None:
    for reply in (
        Response(number, fields),
        ErrorResponse(number, {"type": "ValueError", "message": "x", **fields}),
        EventMessage(number, 1.5, "rows_out", "a", fields),
        MetricMessage(1.5, "rows", 3, "a", fields),
    ):
        assert rpc.decode_message(rpc.encode_message(reply).rstrip(b"\n")) == reply


@given(FIELDS, st.text())
def test_a_line_in_ascii_says_the_same(fields: dict[str, object], name: str) -> None:
    line = rpc.encode_message(EventMessage(0, 1.5, name, "a", fields))
    assert escape_non_ascii(line).isascii()
    assert rpc.decode_message(escape_non_ascii(line)) == rpc.decode_message(line)


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b"")), max_size=6), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    decoder = rpc.LineSplitter()
    got = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += list(decoder.feed(stream[:size]))
        stream = stream[size:]
    assert got == [line for line in lines if line.strip()]


def test_a_line_over_the_limit_is_thrown_away_and_the_next_one_read() -> None:
    decoder = rpc.LineSplitter(limit=10)
    got = list(decoder.feed(b"x" * 7)) + list(decoder.feed(b"y" * 7)) + list(decoder.feed(b"z\n{}\n"))
    assert [type(item) for item in got] == [MessageTooLarge, bytes]
    assert "15 bytes" in str(got[0])


def test_a_last_line_without_its_newline_is_a_line() -> None:
    decoder = rpc.LineSplitter()
    assert not list(decoder.feed(b'{"cmd"'))
    assert list(decoder.end()) == [b'{"cmd"']


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_a_named_error(data: bytes) -> None:
    try:
        command = rpc.decode_command(data)
    except InvalidMessage as error:
        assert str(error)  # noqa: PT017  both ends are right, only another exception is not
    else:
        assert command.verb in ("prepare", "exec_step", "cleanup", "ping")


def _step(inputs: bytes) -> bytes:
    return b'{"cmd":"exec_step","id":1,"step_id":"a","driver":"d","cfg_path":"c","inputs":%s}' % inputs


def _prepare(more: bytes) -> bytes:
    return b'{"cmd":"prepare","id":1,"run_id":"r","manifest":{},"settings":{},%s}' % more


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"cmd":"drop","id":1}', "unknown command 'drop'"),
        (b'{"cmd":"ping"}', "needs 'id' of type int"),
        (b'{"cmd":"ping","id":true}', "needs 'id' of type int"),
        (
            b'{"cmd":"exec_step","id":1,"step_id":1,"driver":"d","cfg_path":"c","inputs":{}}',
            "'step_id' of type str",
        ),
        (_step(b'{"df":5}'), "input 'df' of command 'exec_step' must be of type dict"),
        (_step(b'{"df":{"key":"df"}}'), "input 'df' of command 'exec_step' needs 'from_step' of type str"),
        (_step(b'{"df":{"from_step":"a","key":1}}'), "needs 'key' of type str"),
        (_prepare(b'"secrets":"x"'), "needs 'secrets' of type list"),
        (_prepare(b'"secrets":[1]'), "needs 'secrets' that are texts"),
        (_prepare(b'"parcel":[]'), "needs 'parcel' of type dict"),
        (_prepare(b'"settings":{"force_spill":1}'), "setting 'force_spill' of command 'prepare' needs"),
        (b"[]", "expected a JSON object, got list"),
        (b"\xff", "not valid JSON"),
    ],
)
def test_what_is_no_command_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage, match=reason):
        rpc.decode_command(line)


def test_a_command_reads_as_the_original_documents_write_it() -> None:
    line = rpc.encode_command(
        Command(
            "exec_step",
            4,
            {
                "step_id": "compute-stats",
                "driver": "duckdb.processor",
                "cfg_path": "cfg/compute-stats.json",
                "inputs": {"df": {"from_step": "extract-movies", "key": "df"}},
            },
        )
    )
    assert line == (
        b'{"cmd":"exec_step","id":4,"step_id":"compute-stats","driver":"duckdb.processor",'
        b'"cfg_path":"cfg/compute-stats.json","inputs":{"df":{"from_step":"extract-movies","key":"df"}}}\n'
    )
