"""Pairs of a log and a question, generated from a number: every dialect, damaged lines, and odd values."""

import json
import random
from typing import Final

KEYS: Final = ("rows", "Rows", "phase", "rss_bytes", "note", "error", "error_type", "duration_ms", "duration", "value",
               "rows_written", "err", "from_step", "data", "type", "name", "a.b", "mono", "ünö")  # fmt: skip
EVENTS: Final = ("step_start", "step_failed", "step_error", "heartbeat", "inputs_resolved", "rows_out")
STEPS: Final = ("extract", "load-all", "é")
VALUES: Final = ("77777", "77777.0", "7.7777e4", "7.7777E+4", "777770e-1", '"77777"', '"7.7777e4"', '"+77777"', "-77777", "0", "-0", "-0.0", "5",
                 "5.5", "0.1", "0.1000000000000000055", "77776.99999999999999999", "9007199254740993", "9007199254740992", "18446744073709551615",
                 "18446744073709551616", "123456789012345678901234567890", "1e400", "-1e400", "1e308", "1e-400", "1e22", "NaN", "Infinity", "-Infinity",
                 "nan", "inf", "01", "true", "false", "null", '""', '"none"', '"None"', '"reading"', '"Reading"', '"\\u0072eading"', '"READ\\u0130NG"', '"é\\n\\"x"',
                 '"\\ud83d\\ude00"', '"\\ud800"', '"nan"', '"1_000"', '"a\\u0000b"', "[]", "[1, 2.50]", '["reading"]', "{}", '{"type":"KeyError"}', '{"type":"KeyError","type":"x"}',
                 '{"b":5}', '{"rows":5}', '{"b":{"c":[77777]}}', "[nan]", "tru", '"half', '"quo"ted"', '"mysql://u:hunter2@h/d"', '"tab\there"')  # fmt: skip
QUESTIONS: Final = ("77777", "7.7777e4", "77777.0", "5", "5.5", "0.1", "0", "-0", "9007199254740993", "18446744073709551616", "1e400", "nan", "none", "true", "null",
                    "reading", "read*", "*", "?", "", "7777", "e", "kelvin", "keyerror", "inf*", '"type"', "é", "hunter2", "*.0", "1e+22", "[]", "{}", "step_failed", "load-all", "x")  # fmt: skip
ASKED: Final = (*KEYS, "error.type", "a.b", "err.b", "err.b.c", "event", "step", "side", "session", "seq", "line", "dialect", "text", "duration_s",
                "place", "data.rows", "missing", "step_id", "ts", "rows.x")  # fmt: skip
OPERATORS: Final = ("=", "=", "=", "!=", "~", "!~", ">", "<", ">=", "<=")


def generated_log(random_source: random.Random) -> bytes:
    """Return a log of up to 40 lines."""
    keys = random_source.sample(KEYS, 5)  # a log repeats its keys
    values = random_source.sample(VALUES, 12)
    lines = [_line(random_source, keys, values, number) for number in range(random_source.randint(1, 40))]
    return b"\n".join(lines) + random_source.choice([b"\n", b"\n", b"", b'\n{"event":"torn","ro'])


def generated_question(random_source: random.Random, depth: int = 2) -> str:
    """Return the text of a filter."""
    shape = random_source.random()
    if depth == 0 or shape < 0.6:
        return _comparison(random_source)
    parts = [generated_question(random_source, depth - 1) for _ in range(2)]
    return f"not ({parts[0]})" if shape < 0.75 else f"({parts[0]} {'or ' if shape < 0.87 else ''}{parts[1]})"


def _comparison(random_source: random.Random) -> str:
    if random_source.random() < 0.1:
        return random_source.choice(
            ["since=2026-01-01T00:00:10", "until=2026-01-01T00:00:07.5", "reading", '"rows=5"', "extract"]
        )
    key, operator, value = (random_source.choice(options) for options in (ASKED, OPERATORS, QUESTIONS))
    if operator in (">", "<", ">=", "<="):
        value = random_source.choice(["5", "77776", "0", "-1e400", "9007199254740992", "1e3", "0.1"])
    quoted = '"' not in value and random_source.random() < 0.2
    return f'{key}{operator}"{value}"' if quoted else f"{key}{operator}{value.replace(chr(34), '')}"


def _line(random_source: random.Random, keys: list[str], values: list[str], number: int) -> bytes:
    colon, comma = random_source.choice([(":", ","), (": ", ", ")])
    pairs = [
        (random_source.choice(keys), random_source.choice(values)) for _ in range(random_source.randint(0, 5))
    ]
    pairs = [(_spelled(random_source, key), value) for key, value in pairs]
    name, step = json.dumps(random_source.choice(EVENTS)), json.dumps(random_source.choice(STEPS))
    time = f"2026-01-01T00:00:{number:02}.{random_source.randint(0, 999999):06}+00:00"
    shape = random_source.random()
    if shape < 0.15:
        inner = [("step_id", step), *pairs]
        data = "{" + comma.join(f'"{key}"{colon}{value}' for key, value in inner) + "}"
        pairs = [
            ("type", '"event"'),
            ("name", name),
            ("timestamp", f"{1767225600 + number}.5"),
            ("data", data),
        ]
    elif shape < 0.25:
        pairs = [("event", name), ("step_id", step), *pairs]
    else:
        seq = [("seq", str(number))] if shape < 0.7 else []
        pairs = [("ts", f'"{time}"'), *seq, ("session", '"s1"'), ("event", name), ("step_id", step), *pairs]
    if random_source.random() < 0.05:
        random_source.shuffle(pairs)
    line = ("{" + comma.join(f'"{key}"{colon}{value}' for key, value in pairs) + "}").encode()
    return _damaged(random_source, line)


def _spelled(random_source: random.Random, key: str) -> str:
    return f"\\u{ord(key[0]):04x}{key[1:]}" if random_source.random() < 0.05 else key


def _damaged(random_source: random.Random, line: bytes) -> bytes:
    odd = (
        b"",
        b" ",
        b"{}",
        b"[1]",
        b"\xff\xfe{",
        b"\x00" + line,
        b"\xef\xbb\xbf" + line,
        line + b"\r",
        line[:-1] + b",}",
    )
    damaged = {
        0: line[: random_source.randrange(len(line))],
        1: line + line,
        2: line[: random_source.randrange(len(line))] + line,
        3: random_source.choice(odd),
        4: line[:-1] + b',"deep":' + b"[" * 250 + b"]" * 250 + b"}",
        5: line[:-1] + b',"bytes":"\xff\x01"}',
        6: line[:-1] + b',"long":"' + b"x" * 70_000 + b'"}',
    }
    return damaged.get(random_source.randrange(60), line)
