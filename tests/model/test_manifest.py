from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.manifest import (
    InputRef,
    Manifest,
    Step,
    bind_inputs,
    input_name,
    parse,
    to_dict,
)

ids = st.text("abc-_.", min_size=1, max_size=4)


@given(st.lists(ids, min_size=1, max_size=4, unique=True), st.data())
def test_what_is_written_is_parsed_back(names: list[str], data: st.DataObject) -> None:
    steps = tuple(
        Step(
            name,
            "x.y",
            f"cfg/{name}.json",
            needs=tuple(data.draw(st.lists(st.sampled_from(names), unique=True))),
            component="x.y",
        )
        for name in names
    )
    manifest = Manifest("demo", steps)
    assert parse(to_dict(manifest)).steps == steps


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"steps": 3}, {"steps": [None, 1]}, {"pipeline": []}]
)
def test_document_that_is_no_manifest_has_no_steps(document: Any) -> None:
    assert parse(document).steps == ()


def test_step_without_an_id_is_named_by_its_place() -> None:
    assert parse({"steps": [{"driver": "x"}]}).steps[0].id == "step 1"


@pytest.mark.parametrize(
    ("step", "bound"),
    [
        (Step("s", "x", ""), {}),
        (Step("s", "x", "", needs=("a",)), {"df": InputRef("a")}),
        (Step("s", "x", "", needs=("a", "b-c")), {"df_a": InputRef("a"), "df_b_c": InputRef("b-c")}),
        (Step("s", "x", "", needs=("a",), inputs={"left": InputRef("a")}), {"left": InputRef("a")}),
    ],
)
def test_needs_become_named_inputs(step: Step, bound: dict[str, InputRef]) -> None:
    assert bind_inputs(step) == bound


def test_two_needs_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="df_a_b"):
        bind_inputs(Step("s", "x", "", needs=("a-b", "a.b")))


def test_input_name_is_a_word_in_sql() -> None:
    assert input_name("extract-movies.2") == "df_extract_movies_2"


def test_downstream_of_a_foreign_order_is_complete() -> None:
    manifest = Manifest(
        "m", (Step("c", "x", "", needs=("b",)), Step("b", "x", "", needs=("a",)), Step("a", "x", ""))
    )
    assert manifest.downstream("a") == ("c", "b")
