import random

import pytest

from osiris_inspect.model.redaction import mask_by_pattern, mask_texts, patterns, prefilter, relaxed_shapes
from osiris_inspect.model.redaction.shapes import WORDS
from tests import make_relaxed_shapes
from tests.model.spellings import SPELLINGS
from tests.model.test_foreign_secrets import INNOCENT, SECRETS

TEXTS = [*SECRETS.values(), *INNOCENT]


def test_relaxed_shapes_are_those_of_the_shapes() -> None:
    assert make_relaxed_shapes.made() == (relaxed_shapes.SHAPES, relaxed_shapes.PAIR)


@pytest.fixture
def texts() -> list[str]:
    """Known secrets, alone, in other spellings, in pieces and beside others, and words of secrets with any text."""
    chosen = random.Random(7)
    spelled = [spelling(chosen.choice(TEXTS)) for spelling in SPELLINGS.values() for _ in range(4)]
    pieces = [text[chosen.randrange(len(text)) :][: chosen.randrange(1, 40)] for text in TEXTS]
    odd = [
        "\u0130",
        "\u0131",
        "\u212a",
        "\u017f",
        "é",
        "\u00a0",
        "\u0661",
        "\n",
        "\t",
        "'",
        '"',
        "=",
        ":",
        "@",
        "/",
        "9aB",
        "\ud800",
    ]
    built = ["".join(chosen.choices([*WORDS, *odd, *pieces], k=6)) for _ in range(1500)]
    swapped = [
        text.upper().replace("K", "\u212a").replace("S", "\u017f").replace("I", "\u0130") for text in TEXTS
    ]
    return [
        *TEXTS,
        *map(" ".join, zip(TEXTS, reversed(TEXTS), strict=True)),
        *spelled,
        *pieces,
        *built,
        *swapped,
    ]


def test_masks_are_the_same_without_the_prefilter(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "_FIRST_TEXTS", 0)
    fast, at_once = list(map(mask_by_pattern, texts)), mask_texts(texts)
    clean = [text for text in texts if not prefilter.may_be_masked(text)]
    monkeypatch.setattr(patterns, "may_have_shape", lambda _text: True)
    slow = list(map(mask_by_pattern, texts))
    assert fast == slow
    assert at_once == slow
    assert all(mask_by_pattern(text) == text for text in clean)
    assert len(clean) > 100
