"""Why a step got what it got: the way of each input from the step that gave it, walked with evidence.

The order is that of the contract: memory first, then spill, then an error. Where a run tells what it tried, that is
told; where it does not, what its log, its artifacts and its text logs show. What nothing shows is said to be unknown.
"""

from osiris_inspect.inspector.why.input_trace import InputTrace, TraceStep
from osiris_inspect.inspector.why.step_explanation import StepExplanation, explain_step

__all__ = ["InputTrace", "StepExplanation", "TraceStep", "explain_step"]
