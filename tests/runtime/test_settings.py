import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime import settings


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", " Yes "])
def test_force_spill_is_on_for_the_documented_words_in_any_case(text: str) -> None:
    assert settings.read({"E2B_FORCE_SPILL": text}).force_spill


@pytest.mark.parametrize("text", ["", "0", "false", "no"])
def test_force_spill_is_off_for_the_words_that_say_no(text: str) -> None:
    assert not settings.read({"E2B_FORCE_SPILL": text}).force_spill


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("E2B_FORCE_SPILL", "on"),
        ("E2B_SPILL_THRESHOLD", "-1"),
        ("E2B_SPILL_THRESHOLD", "1e3"),
        ("E2B_SPILL_MEMORY_BYTES", "2GB"),
        ("E2B_SPILL_THRESHOLD", "9223372036854775808"),
        ("E2B_SPILL_MEMORY_BYTES", "99999999999999999999999999"),
        ("E2B_SPILL_MEMORY_BYTES", "9" * 5000),
        ("E2B_STEP_TIMEOUT", "0"),
        ("E2B_STEP_TIMEOUT", "nan"),
        ("E2B_HANG_TIMEOUT", "0"),
    ],
)
def test_a_value_that_cannot_be_is_an_error_that_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        settings.read({variable: text})


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_variable_is_not_set(text: str) -> None:
    empty = settings.read({name: text for name, _ in settings._VARIABLES.values()})
    assert empty == settings.Settings()


@pytest.mark.parametrize(("seconds", "interval"), [("600", 5.0), ("50", 5.0), ("2", 0.2)])
def test_heartbeats_are_frequent_enough_for_hang_timeout(seconds: str, interval: float) -> None:
    assert settings.read({"E2B_HANG_TIMEOUT": seconds}).heartbeat_interval_s == interval


@pytest.mark.parametrize("text", ["0", "9223372036854775807", "0" * 5000 + "7"])
def test_a_count_is_any_number_that_files_and_messages_hold(text: str) -> None:
    assert settings.read({"E2B_SPILL_THRESHOLD": text}).spill_threshold == int(text.lstrip("0") or "0")


def test_a_flag_that_cannot_be_is_named_and_not_repeated_at_length() -> None:
    with pytest.raises(SettingsError, match=r"invalid --spill-threshold: '9+'… ") as caught:
        settings.read({}, {"spill_threshold": "9" * 5000})
    assert len(str(caught.value)) < 200


def test_a_flag_overrides_a_variable_and_the_origin_is_known() -> None:
    told = settings.read({"E2B_SPILL_THRESHOLD": "5", "E2B_FORCE_SPILL": "1"}, {"spill_threshold": "7"})
    assert (told.spill_threshold, told.force_spill) == (7, True)
    assert told.origins == {"spill_threshold": "flag", "force_spill": "environment"}


def test_what_is_sent_to_the_worker_comes_back_the_same() -> None:
    told = settings.read({"E2B_SPILL_THRESHOLD": "0", "E2B_STEP_TIMEOUT": "2.5"})
    back = settings.from_dict(told.to_dict())
    assert back.to_dict() == told.to_dict()
