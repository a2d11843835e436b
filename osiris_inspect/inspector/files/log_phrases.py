"""Phrases of text logs that report what happened to frames, one pattern per fact for all versions.

A worker of the original reports some facts only here. New wordings are added to these patterns.
"""

import re
from typing import Final

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_STEP: Final = r"step '?(?P<step>[^\s':,]{1,200})'?"

UPSTREAM_KEY_MISSING: Final = LazyRegex(
    r"[Kk]ey '(?P<key>[^']{1,80})' (?:was )?not found in (?:the )?outputs? (?:from|of) "
    + _STEP
    + r"\s*\(available(?: keys)?: (?P<keys>[^)]{0,400})\)"
)
"""A result does not contain the requested key."""

CONNECTION_OF: Final = LazyRegex(
    r"[Ff]ailed to resolve connection for (?P<step>[^\s:]{1,200}): (?P<why>[^\n]{1,80})"
)
"""The connection of a step could not be resolved."""

UPSTREAM_RESULT_MISSING: Final = LazyRegex(
    r"[Nn]o outputs? (?:are |were )?(?:cached|stored|kept|found) for " + _STEP
)
"""A step left no result."""

SPILL_NOT_WRITTEN: Final = LazyRegex(
    r"[Ff]ailed to (?:cache|spill|save|write|store) (?:the )?(?:DataFrame|frame|parquet|output) (?:for|of|to disk for) "
    + _STEP
    + r":? ?(?P<why>[^\n]{0,160})"
)
"""A frame could not be written to disk."""

SPILL_NOT_READ: Final = LazyRegex(
    r"[Ff]ailed to (?:load|read) (?:the )?(?:input |spilled )?(?:DataFrame|frame|parquet)[^\n]{0,200}"
    r"|Parquet magic bytes not found[^\n]{0,80}"
    r"|artifacts/[^\n]{1,300}output\.parquet (?:holds|is not the file that was written)[^\n]{0,160}"
    r"|artifacts/[^\n]{1,300}schema\.json (?:cannot be read|is not|names)[^\n]{0,160}"
    r"|spill: [^\n]{0,120}(?:missing|corrupt|damaged|cut off|changed|gone)[^\n]{0,60}"
)
"""A spilled frame could not be read."""


def parse_key_list(text: str) -> list[str]:
    """Return the keys of a list printed by Python: ``['df', 'spilled']``."""
    return re.findall(r"'([^']+)'", text)
