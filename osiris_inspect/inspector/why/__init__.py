"""Why a step got what it got: the way of each input from the step that gave it, walked with evidence.

The order is that of the contract: memory first, then spill, then an error. Where a run tells what it tried, that is
told; where it does not, what its log, its artifacts and its text logs show. What nothing shows is said to be unknown.
"""

from osiris_inspect.inspector.why.input_trace import Turn, Way
from osiris_inspect.inspector.why.step_explanation import Why, why_of

__all__ = ["Turn", "Way", "Why", "why_of"]
