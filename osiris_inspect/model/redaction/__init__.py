"""Masking of secrets: known ones by value, others by key and by pattern."""

from osiris_inspect.model.redaction.patterns import is_secret_item, mask_by_key, mask_by_pattern, mask_texts
from osiris_inspect.model.redaction.prefilter import may_be_masked
from osiris_inspect.model.redaction.redactor import Redactor
from osiris_inspect.model.redaction.secret_keys import is_secret_key
from osiris_inspect.model.redaction.shapes import MASK
from osiris_inspect.model.redaction.suspect_lines import suspect_lines

__all__ = [
    "MASK",
    "Redactor",
    "is_secret_item",
    "is_secret_key",
    "mask_by_key",
    "mask_by_pattern",
    "mask_texts",
    "may_be_masked",
    "suspect_lines",
]
