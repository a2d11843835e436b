import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.redaction import Redactor, is_secret_key, mask_by_key, mask_by_pattern

SECRET = "hunter2/é@+ x"


@pytest.mark.parametrize(
    "text",
    [
        "mysql+pymysql://reader:hunter2@127.0.0.1/db",
        "postgres://reader:hun:ter2@db.internal:5432/x",
        "reader:hunter2@tcp(127.0.0.1:3306)/db",
        "Authorization: Bearer hunter2hunter2",
        "'authorization': 'Basic hunter2hunter2'",
        "token eyJhunter2hunter2.eyJhunter2hunter2.hunter2",
        "key AKIAHUNTER2HUNTER2AB".replace("HUNTER2HUNTER2AB", "ABCDEFGHIJKLMNOP"),
        "e2b_hunter2hunter2",
        '{"password": "hunter2"}',
        "host=db password=hunter2 user=x",
        "HTTPSConnectionPool(host='api.example.org', port=443): Max retries exceeded with url: /v1?from=2&key=HUNTER2 (Caused by".replace(
            "HUNTER2", "hunter2"
        ),
        "https://a.example/x?api_key=hunter2",
        "https://a.example/x?a=1&APIKEY=hunter2",
        "https://a.example/x?x-api-key=hunter2",
        "https://a.example/x?subscription-key=hunter2&b=2",
        "https://a.example/x?access_token=hunter2",
        "https://a.example/cb#access_token=hunter2",
        "https://a.example/x?auth=hunter2",
        "https://a.example/x?pass=hunter2",
        "https://a.example/x?signature=hunter2",
        "https://a.example/x?b=1&amp;token=hunter2",
        '{"url": "https://a.example/x?b=1\\u0026secret=hunter2"}',
        "https://s3.example/x?X-Amz-Credential=hunter2%2F2026&X-Amz-Date=20261129T1",
        "https://s3.example/x?X-Amz-Security-Token=hunter2",
    ],
)
def test_places_where_secrets_stand_give_them_away(text: str) -> None:
    masked = mask_by_pattern(text)
    assert "hunter2" not in masked
    assert "***" in masked
    assert mask_by_pattern(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "rows: 14",
        "see https://sqlalche.me/e/21/e3q8",
        "(using password: YES)",
        "a key column",
        "mail a@b.org",
        "password=***",
        "https://a.example/x?primary_key=id&sort_key=day",
        "https://a.example/x?keyword=shoes&author=capek&signed=1",
        "https://a.example/x?api_key={key}&token=${TOKEN}",
        "https://a.example/x?page=2&monkey=7",
        "https://s3.example/x?X-Amz-Date=20261129T1&X-Amz-Expires=60",
        "key=value",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert mask_by_pattern(text) == text


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "api_key", "apikey", "token", "service_role_key", "key", "pg_dsn", "secret"],
)
def test_key_of_a_secret_is_known(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize("name", ["primary_key", "keys", "monkey", "tokens_used", "path", "passenger"])
def test_key_that_only_sounds_like_one_is_not(name: str) -> None:
    assert not is_secret_key(name)


def test_values_of_secret_keys_are_masked_at_any_depth() -> None:
    value = {"a": [{"password": "x"}, {"user": "u", "token": "${TOKEN}"}], "primary_key": ["id"]}
    assert mask_by_key(value) == {
        "a": [{"password": "***"}, {"user": "u", "token": "${TOKEN}"}],
        "primary_key": ["id"],
    }


FORMS: list[Any] = [
    SECRET,
    json.dumps(SECRET)[1:-1],
    json.dumps(SECRET, ensure_ascii=False)[1:-1],
    quote(SECRET, safe=""),
    base64.b64encode(SECRET.encode()).decode(),
    SECRET.encode().hex(),
]


@pytest.mark.parametrize("form", FORMS)
def test_known_secret_is_masked_in_every_form_it_travels_in(form: str) -> None:
    assert Redactor([SECRET]).redact_text(f"before {form} after") == "before *** after"


@given(st.binary(max_size=3), st.text("abcXYZ019/+", min_size=8, max_size=20), st.binary(max_size=3))
def test_known_secret_is_masked_inside_base64_at_any_shift(before: bytes, secret: str, after: bytes) -> None:
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert "***" in Redactor([secret]).redact_text(text)


def test_without_secrets_a_value_stays_the_same_object() -> None:
    value = {"a": [1, "x"]}
    assert Redactor().redact_value(value) is value


def test_secret_is_masked_in_keys_and_values_and_the_shape_stays() -> None:
    assert Redactor(["hunter2"]).redact_value({"hunter2": ["x hunter2", 1, None]}) == {
        "***": ["x ***", 1, None]
    }


@pytest.mark.parametrize(
    "unit",
    ["a", "mysql://a:b", "eyJ-", "password ", "Bearer ", "x:y", "http://", "?a_api", "&", "aes_encrypt('"],
)
def test_hostile_text_is_masked_in_a_time_that_grows_with_its_length(unit: str) -> None:
    began = time.process_time()
    mask_by_pattern(unit * (200_000 // len(unit)) + "://")
    assert time.process_time() - began < 5
