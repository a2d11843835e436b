"""Values of Python that became part of SQL text."""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

NUMPY_VALUE = (
    r"schema [\"'](?:np|numpy)[\"'] does not exist[^\n]{0,40}"
    r"|(?i:function) [\"']?(?:np|numpy)\.\w{1,30}[^\n]{0,60} does not exist"
    r"|Unknown (?:database|table) '(?:np|numpy)'"
    r"|\b(?:np|numpy)\.(?:float|int|uint|bool|str|datetime)\w{0,6}\([^\n]{0,80}"
)
"""numpy 2 represents a scalar as ``np.float64(1.0)``; a driver without a type for it puts that into the query."""
_NUMPY_VALUE = LazyRegex(NUMPY_VALUE)


def is_numpy_value(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if an error shows that a numpy value became part of the query."""
    return _NUMPY_VALUE.search(text.text) is not None
