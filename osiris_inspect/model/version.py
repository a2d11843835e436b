"""The version of this package. A module of its own, so that exporters need not import the package root."""

__version__ = "0.1.0"
