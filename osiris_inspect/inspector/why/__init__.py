"""Explains a step: where each input came from, with evidence.

The worker looks in memory first, then on disk, then fails. If the run records its attempts, they are shown; otherwise the
log, the artifacts and the text logs are searched. What none of them shows is reported as unknown.
"""

from osiris_inspect.inspector.why.input_trace import InputTrace, TraceStep
from osiris_inspect.inspector.why.step_explanation import StepExplanation, explain_step

__all__ = ["InputTrace", "StepExplanation", "TraceStep", "explain_step"]
