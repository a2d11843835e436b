import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.index.index_file import open_index
from osiris_inspect.inspector.event_log.index.large_log import BLOCK, LargeLog
from osiris_inspect.inspector.text.event_fields import masked_fields
from osiris_inspect.inspector.text.event_lines import EventLines, format_json, format_raw, format_text
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event
from osiris_inspect.model.redaction import mask_by_key, mask_by_pattern
from tests.inspector import logs, slow_events
from tests.model.test_foreign_secrets import INNOCENT, SECRETS, WORD

TEXTS = [*SECRETS.values(), *INNOCENT]
KEYS = ("password", "apiKey", "DB_PW", "pw2", "x-api-key", "dsn", "conn_str", "sql_url", "webhookUrl", "sas", "secretId", "basic.auth",
        "clientAssertion", "access_key_id", "credentials", "key", "passwörd", "p\u212aey", "to\u017fken", "-p", "--user", "#x_key", "rows", "line",
        "traceback", "data", " lead", "100%s", "timestamp", "side", "mono", "seq", "ts", "session")  # fmt: skip
SHORT = (WORD, "", "a -p", "rman", "pw", "x\u001b[31my", "tab\tbed\r\n", "zero\u200bwidth", "two  blanks ", "##vso[x]", "::error::", "\u2028",
         "user/" + WORD + "@db:1521/orcl", "https:\u002f\u002fu:" + WORD + "@h/p", "\ud83d\ude00", "\\", '"', "${NAME}", "\x7f")  # fmt: skip


def decode(number: int, line: bytes) -> Event:
    return events.decode(line, line_number=number)


def block_of(lines: list[bytes]) -> EventLines:
    return EventLines.join(
        [(number, line) for number, line in enumerate(lines, 7) if _is_event(line)], decode
    )


def _is_event(line: bytes) -> bool:
    try:
        decode(0, line)
    except InvalidLine:
        return False
    return True


def check(lines: list[bytes]) -> None:
    """Compare the block with its lines one by one."""
    block = block_of(lines)
    single = [decode(number, line) for number, line in zip(block.numbers, block.lines(), strict=True)]
    assert format_text(block).splitlines(True) == "".join(
        f"{slow_events.as_text(event)}\n" for event in single
    ).splitlines(True)
    assert format_json(block) == b"".join(slow_events.as_json(event) + b"\n" for event in single)
    raw = format_raw(block).split(b"\n")[:-1]
    for event, line, masked in zip(single, block.lines(), raw, strict=True):
        check_raw(event, line, masked)


def check_raw(event: Event, line: bytes, masked: bytes) -> None:
    try:
        value = json.loads(line.strip(b"\xef\xbb\xbf \t\r\n\0"))
    except ValueError:
        assert mask_by_pattern(masked.decode("utf-8", "replace")) == masked.decode("utf-8", "replace")
        return
    expected = mask_by_key(value)
    fields = (
        expected["data"] if event.dialect == "worker" and isinstance(value.get("data"), dict) else expected
    )
    if "key" in fields:  # may be the name of a result
        fields["key"] = masked_fields(event)["key"]
    assert json.loads(masked.strip(b"\xef\xbb\xbf \t\r\n\0")) == expected or "NaN" in masked.decode()
    if expected == value:
        assert masked == line


values = (
    st.sampled_from(SHORT)
    | st.sampled_from(TEXTS)
    | st.integers()
    | st.floats(allow_nan=True)
    | st.none()
    | st.booleans()
    | st.text(max_size=8)
)
nested = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2),
    max_leaves=4,
)
envelopes = st.sampled_from([logs.native, logs.host, logs.worker, logs.document])
written = st.builds(
    lambda form, name, step, ts, fields, spaced, is_ascii, slash, end: (
        _dumped(form(name, step, ts, 3, fields), spaced, is_ascii, slash) + end
    ),
    envelopes,
    st.sampled_from((*logs.NAMES, "step_error", "inputs_resolved")),
    st.none() | st.sampled_from((*logs.STEPS, " a", 7)),
    st.sampled_from((*logs.TIMES, "2026-02-30T00:00:00.000000+00:00", "2026-01-01T24:00:00.000000+00:00", "9999-01-01T00:00:00.000001+00:00")),
    st.dictionaries(st.sampled_from(KEYS) | st.just("from_step"), nested, max_size=4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([b"", b"", b"", b"\r", b'{"event":"two"}', b"}"]),
)  # fmt: skip


def _dumped(value: dict[str, Any], spaced: bool, is_ascii: bool, slash: bool) -> bytes:
    text = json.dumps(value, separators=None if spaced else (",", ":"), ensure_ascii=is_ascii)
    text = text.replace("/", "\\/") if slash else text
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=100, deadline=None)
@given(st.lists(written | written | logs.line, max_size=12))
def test_block_equals_its_lines(lines: list[bytes]) -> None:
    check(lines)


def _embedded(text: str) -> Iterator[dict[str, Any]]:
    yield {"event": "a", "note": text, "rows": 1}
    yield {"event": "a", "nested": {"list": ["x", text]}, "z": {"y": text}}
    yield {"event": text, "step_id": text, "ts": text}
    yield {"event": "a", text: "value"}
    head, _, tail = text.partition(" ")
    yield {"event": "a", "note": head, tail or "b": tail}
    key, separator, value = text.partition("=")
    yield {"event": "a", key: value or separator, "more": 1}
    key, separator, value = text.partition(":")
    yield {"event": "a", "data": {key.strip(" \"'"): value.strip(" \"'")}, key: value}


@pytest.mark.parametrize("is_ascii", [True, False])
def test_every_known_shape_is_masked_alike(is_ascii: bool) -> None:
    lines = [_dumped(value, False, is_ascii, False) for text in TEXTS for value in _embedded(text)]
    check(lines)


def test_escaped_words_are_masked_alike() -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in "password")
    lines = [
        b'{"event":"a","%s":"hunter22"}' % escaped.encode(),
        b'{"event":"a","note":"%s=hunter22"}' % escaped.encode(),
        b'{"event":"a","note":"https:\\/\\/u:%s@h"}' % WORD.encode(),
        b'{"event":"a","password":{"a":["hunter22"]},"token":12345678}',
        b'{"event":"a","note":"cut","password":"hunter22',
        b'{"event":"a","note":"raw \x01 control","password":"hunter22"}',
    ]
    check(lines)
    assert b"hunter22" not in format_raw(block_of(lines))


def test_raw_line_masks_each_value_of_a_repeated_key() -> None:
    line = b'{"event":"a","password":"hunter22","password":null}'
    assert format_raw(block_of([line])) == b'{"event":"a","password":"***","password":null}\n'


def test_raw_line_keeps_all_other_bytes() -> None:
    line = b'{"ts": "2025",\t"event" : "a", "big": 123456789012345678901234567890, "x": 1.0e2, "Password" : "hunter22" , "y": "\\u00e9"}'
    (masked,) = format_raw(block_of([line])).splitlines()
    assert masked == line.replace(b"hunter22", b"***")


def test_long_texts_are_cut_alike() -> None:
    check(
        [
            b'{"event":"a","note":"%s"}' % (b"x" * 21_000),
            b'{"event":"a","key":"k","note":"%s"}' % (b"y " * 50_000),
        ]
    )


def test_damaged_line_with_a_huge_number_is_masked() -> None:
    check([b'{"event":"a","big":-9223372036854775809,"password":"hunter22"}}'])


def test_name_of_a_result_is_not_masked() -> None:
    lines = [
        b'{"event":"inputs_resolved","from_step":"a","key":"df","seq":1}',
        b'{"type":"event","name":"inputs_resolved","data":{"from_step":"a","key":"df"}}',
    ]
    check(lines)
    assert b"***" not in format_raw(block_of(lines))
    check([b'{"event":"inputs_resolved","key":"df"}'])


def test_secrets_at_the_edges_of_blocks_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = b'{"event":"heartbeat","rows":%d,"note":"%s"}\n'
    with path.open("wb") as stream:
        while stream.tell() < 5 * BLOCK:
            stream.write(b'{"event":"a","url":"https://u:%s@h/"}\n' % WORD.encode())
            stream.write(line % (stream.tell(), b"x" * (stream.tell() % 3000)))
    content = path.read_bytes()
    descriptor = os.open(path, os.O_RDONLY)
    log = LargeLog(descriptor, open_index(descriptor, None), path.name)
    blocks = list(log.blocks(range(len(log))))
    assert b"".join(data for _, data in blocks) == content
    for numbers, data in blocks:
        check(data.splitlines())
        assert len(numbers) == data.count(b"\n")
