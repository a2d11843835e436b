"""The form of a table of known errors."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Domain


class KnownError(NamedTuple):
    """An error of a library.

    Attributes:
        rule: id of the finding.
        codes: codes or words of the error, as a regular expression.
        message: the explanation, past or present tense.
        fix: one remedy.
        confidence: high only if the code or the words have one cause.
        domain: None for the usual one of the rule.
    """

    rule: str
    codes: str
    message: str
    fix: str
    confidence: Confidence = Confidence.HIGH
    domain: Domain | None = None


@dataclass(frozen=True)
class Library:
    """A library or service and its errors.

    Attributes:
        mark: expression that the error, its class or its traceback contains if this library raised it; empty if the
            words of its errors are enough.
        form: how its errors state a code; ``%s`` stands for ``KnownError.codes``.
        errors: the table, specific errors first.
    """

    mark: str
    form: str
    errors: tuple[KnownError, ...]

    @cached_property
    def regex(self) -> LazyRegex:
        """The mark, compiled on first use."""
        return LazyRegex(self.mark, re.MULTILINE)

    def pattern(self, error: KnownError) -> str:
        """Return the expression for an error of the table."""
        return self.form.replace("%s", error.codes)
