"""Commands that continue or repeat an earlier run."""
