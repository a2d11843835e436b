"""Drivers, which run the steps of a pipeline: one module or package per family, imported when a step needs it."""
