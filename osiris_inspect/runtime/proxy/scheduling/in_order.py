"""Runs the steps one after another on one worker."""

from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_worker import RunWorker
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes


def run_in_order(context: RunContext, worker: RunWorker, outcomes: StepOutcomes) -> None:
    """Run the steps in the order of the manifest; skip those that cannot run."""
    for step in context.steps:
        cause = outcomes.skip_cause(step, worker.loss)
        if cause is None:
            outcomes.record_answer(step, worker.finish(worker.run_step(step)))
        else:
            outcomes.skip(step, cause, outcomes.skip_info(step, cause, worker.loss))
