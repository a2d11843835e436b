import pytest

from osiris_inspect.model import metric as metrics
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.metric import Metric


@pytest.mark.parametrize(
    "line",
    [
        b'{"ts":"1970-01-01T00:00:01+00:00","session":"s","metric":"rows_read","value":14,"tags":{"step":"a"}}',
        b'{"ts":"1970-01-01T00:00:01+00:00","session":"s","metric":"rows_read","value":14,"step_id":"a"}',
        b'{"type":"metric","name":"rows_read","value":14,"timestamp":1.0,"tags":{"step":"a"}}',
    ],
)
def test_metric_is_the_same_in_every_dialect(line: bytes) -> None:
    metric = metrics.decode(line, line_number=2)
    assert (metric.name, metric.value, metric.ts, metric.step, metric.line) == ("rows_read", 14, 1.0, "a", 2)


@pytest.mark.parametrize("value", [b"NaN", b'"14"', b"null", b"true", b"[]"])
def test_value_that_is_no_number_is_none(value: bytes) -> None:
    assert metrics.decode(b'{"metric":"score","value":%s}' % value).value is None


@pytest.mark.parametrize(
    "line", [b"{}", b'{"type":"event","name":"x"}', b'{"metric":3}', b"x", b'{"metric":"a","tags":']
)
def test_line_that_is_no_metric_is_an_unreadable_line(line: bytes) -> None:
    with pytest.raises(InvalidLine):
        metrics.decode(line)


def test_tags_that_are_no_object_count_as_none() -> None:
    assert metrics.decode(b'{"metric":"a","value":1,"tags":"x","unit":"s"}').tags == {"unit": "s"}


def test_what_is_encoded_is_decoded() -> None:
    metric = Metric("rows_out", 3, ts=12.5, step="a", tags={"unit": "rows"})
    back = metrics.decode(metrics.encode(metric))
    assert (back.name, back.value, back.ts, back.step, back.tags) == (
        "rows_out",
        3,
        12.5,
        "a",
        {"unit": "rows"},
    )
