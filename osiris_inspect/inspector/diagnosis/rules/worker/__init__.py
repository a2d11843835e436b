"""Rules for the worker, the sandbox and the execution of steps."""
