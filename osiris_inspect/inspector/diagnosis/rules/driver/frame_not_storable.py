"""A DataFrame cannot be represented in Arrow or Parquet.

What it finds:
    Errors of pandas and pyarrow about column names, column types and sizes, raised when a frame is converted or written.

Why it matters:
    The rows exist, but the step cannot pass them on.

How to fix:
    Give each column a unique name that is a string, and each column one type.

Example:
    `Duplicate column names found: ['id', 'id']`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

EXPLAINS = ("driver-raised", "value-not-convertible")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Duplicate column names found: [^\n]{1,160}|DataFrame columns must be unique[^\n]{0,80}"
            r"|Duplicate names are not allowed|Expected unique column names[^\n]{0,80}"
            r"|(?:Field|Column name) \"[^\"\n]{1,80}\" (?:exists 2 times|is duplicated)[^\n]{0,60}"
        ),
        message="the DataFrame has several columns with one name",
        fix="give each column a unique name, for example with an alias in the SELECT",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"must have string column names|[Cc]olumn names must be str(?:ings?)?\b",
        message="the DataFrame has column names that are not strings, for example numbers after a pivot or without a header",
        fix="convert the column names to strings: df.columns = df.columns.map(str)",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"offset overflow while concatenating arrays"
            r"|array cannot contain more than \d{6,12} (?:bytes|elements|child elements)[^\n]{0,80}"
            r"|(?:BinaryArray|StringArray|ListArray) cannot contain more than[^\n]{0,80}"
        ),
        message="a column of text, binary data or lists exceeds 2 GB in one array",
        fix="process the rows in parts, or convert the column to the type large_string, large_binary or large_list",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Schema at index \d{1,9} was different|Table schema does not match schema used to create file",
        message="parts of the DataFrame have different columns or types",
        fix="convert all parts to one schema before they are written or combined",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Expected bytes, got a '\w{1,40}' object[^\n]{0,120}"
            r"|[Cc]ould not convert [^\n]{1,200}? with type \w{1,40}: (?:tried to convert|was not a|did not recognize)"
            r"[^\n]{0,120}"
            r"|cannot mix (?:list and non-list|struct and non-struct|dict and non-dict)[^\n]{0,80}"
            r"|Unhandled type for Arrow to Parquet schema conversion[^\n]{0,60}|did not recognize Python value type when inferring"
            r"|object of type <class '[^'\n]{1,80}'> cannot be converted to int"
        ),
        message="a column contains values of different types, or of a type that Arrow does not have",
        fix="convert the column to one type before the step returns it, for example with astype('string')",
        domain="data",
    ),
)
