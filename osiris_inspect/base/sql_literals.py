"""Names and texts as SQL, in the quotes of the standard, which DuckDB and PostgreSQL read."""


def quote_name(name: str) -> str:
    """Return the name of a table or column as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text as a string literal."""
    return "'" + text.replace("'", "''") + "'"
