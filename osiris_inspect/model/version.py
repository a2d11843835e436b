"""Version of this package, in its own module so that exporters need not import the package root."""

__version__ = "0.1.0"
