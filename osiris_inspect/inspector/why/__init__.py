"""Why a step got what it got: the way of each input from the step that gave it, walked with evidence.

The order is that of the contract: memory first, then spill, then an error. Where a run tells what it tried, that is
told; where it does not, what its log, its artifacts and its text logs show. What nothing shows is said to be unknown.
"""

from osiris_inspect.inspector.why.answer import Why, why_of
from osiris_inspect.inspector.why.way import Turn, Way

__all__ = ["Turn", "Way", "Why", "why_of"]
