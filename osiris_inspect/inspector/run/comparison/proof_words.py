"""Sentences about what replays of a failed step prove. Values are masked and on one line."""

from collections.abc import Iterator, Mapping
from typing import Final

from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.differences import DifferenceKind
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model.failure.proof import Proof, SwapKind, SwapOutcome

_KINDS: Final[Mapping[SwapKind, frozenset[DifferenceKind]]] = {
    "configuration": frozenset({"configuration", "checks"}),
    "place": frozenset({"place", "isolation"}),
    "settings": frozenset({"setting", "storage"}),
    "frames": frozenset({"data"}),
}
"""Differences that a swap takes over."""
_KEYS: Final[Mapping[str, str]] = {"timeout_s": "timeout", "memory_bytes": "memory"}
"""Keys of differences that have another name in the plan."""


def is_proved(ranked: RankedDifference, proof: Proof | None) -> bool:
    """Return True if a replay proved that a difference caused the failure."""
    if proof is None or proof.proved is None:
        return False
    swap, difference = proof.proved, ranked.difference
    if difference.kind not in _KINDS[swap.kind] or (
        difference.step not in (None, proof.step) and swap.kind != "frames"
    ):
        return False
    if swap.kind == "place":
        return True
    name = difference.step if swap.kind == "frames" else difference.key or difference.kind
    return name in {_KEYS.get(key, key) for key in swap.names}


def proved_words(ranked: RankedDifference, proof: Proof | None) -> str:
    """Return what is proved of a difference; empty if nothing is."""
    if not is_proved(ranked, proof):
        return ""
    is_one = (
        proof is None or proof.proved is None or len(proof.proved.names) == 1 or proof.proved.kind == "place"
    )
    return "proved: with A's it succeeds" if is_one else "proved, with the others that are marked"


def proof_lines(diff: RunDiff) -> Iterator[str]:
    """Yield what the replays prove, then the swaps that could not be tested."""
    proof = diff.proof
    if proof is None:
        return
    yield _result(proof)
    for swap in proof.swaps:
        if swap.result == "not tested":
            yield f"not tested: {swap_name(swap)}: {one_line(swap.reason)}"


def swap_name(swap: SwapOutcome) -> str:
    """Return what a swap takes over: ``A's configuration (query)``."""
    if swap.kind == "frames" and swap.names:
        return f"A's frame{'s' if len(swap.names) > 1 else ''} of {', '.join(map(one_line, swap.names))}"
    return f"A's {swap.kind}" + (f" ({', '.join(map(one_line, swap.names))})" if swap.names else "")


def _result(proof: Proof) -> str:
    step, reason = one_line(proof.step), one_line(proof.reason)
    if proof.proved is not None:
        return f"proved: {step} succeeds with {swap_name(proof.proved)}, and fails without"
    if proof.result == "none alone":
        return _none_alone(proof)
    return {
        "not reproduced": f"not reproduced: {step} succeeds unchanged: what it depended on has changed since, or it passes "
        "by chance",
        "by chance": f"not proved: {step} fails and succeeds by chance",
        "other failure": f"not reproduced: {step} now fails otherwise: {reason}",
        "nothing to swap": f"not proved: nothing of {step} can be swapped, and it fails again",
        "not tested": f"not proved: {reason}",
    }[proof.result]


def _none_alone(proof: Proof) -> str:
    step = one_line(proof.step)
    tested = [swap for swap in proof.swaps if swap.result != "not tested"]
    if not tested:
        return f"not proved: {step} fails again, and no difference could be tested"
    shown = "; ".join(
        f"{swap_name(swap)}{' (in another way)' if swap.result == 'other failure' else ''}" for swap in tested
    )
    return f"none of them alone: {step} also fails with {shown}"
