"""A library refused a DataFrame because of its shape.

What it finds:
    An error of pandas, pyarrow or numpy about the columns or the arrays of a frame: two columns with one name, names
    that are not text, a column that is too large, an array that cannot be changed.

Why it matters:
    The values are valid, but the frame cannot be stored or changed in this form.

How to fix:
    Rename the columns, process the frame in parts, or copy it before changing it.

Example:
    `Duplicate column names found: ['a', 'a', 'b']`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("driver-raised", "spill-write-failed", "write-failed", "value-not-convertible")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Duplicate column names found: [^\n]{1,160}|Duplicate names are not allowed|Expected unique column names[^\n]{0,80}"
            r"|DataFrame columns must be unique[^\n]{0,80}|[Tt]he column label '[^'\n]{1,80}' is not unique"
            r"|Column name \"[^\"\n]{1,80}\" is duplicated"
            r"|Field \"[^\"\n]{1,80}\" exists \d{1,4} times in (?:schema|table)|[Cc]annot handle a? ?non-unique multi-index"
        ),
        message="two columns of the frame had the same name",
        fix="give each column a unique name, for example with AS in the SELECT",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"must have string column names|(?:column|field) names? must be (?:a )?(?:str|string)s?\b[^\n]{0,60}",
        message="the frame had column names that are not text, as after a pivot or a file without a header",
        fix="rename the columns to text: df.columns = df.columns.astype(str)",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"offset overflow while concatenating arrays|array cannot contain more than \d{6,12} (?:bytes|elements|child)[^\n]{0,60}"
            r"|Column (?:too large|size exceeds)[^\n]{0,80}|Negative buffer resize"
        ),
        message="a column with more than 2 GB of text or bytes did not fit into one array",
        fix="read and write in parts, or use the type large_string for the column",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Schema at index \d{1,9} was different|Table schema does not match schema used to create file",
        message="parts of the frame had different columns or types",
        fix="convert all parts to one schema before they are written or combined",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"[Cc]ould not convert [^\n]{1,200}? with type (?:str|bytes): tried to convert to (?:boolean|double|float|half_?float|u?int)\d{0,2}\b[^\n]{0,120}",
        message="a column of numbers or truth values contained the text that the message names",
        fix="correct the text at its source or replace it by a missing value, then convert the column "
        "(pd.to_numeric for numbers, map for truth values); if the values are texts, convert it with astype('string')",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Can only convert 1-dimensional array values[^\n]{0,120}",
        message="a column contained arrays with several dimensions; Arrow has only lists",
        fix="convert each array to nested lists (array.tolist()), or flatten it, before the step returns the frame",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"\bstruct fields? (?:count mismatch|names do not match|mismatch)[^\n]{0,160}"
            r"|\bType (?:struct|list|map)<[^\n]{1,200}? does not match (?:struct|list|map)<[^\n]{0,160}"
            r"|Unsupported cast from (?:struct|list|map|large_list)<[^\n]{1,200}? to [^\n]{1,120}"
            r"|Field [^\n]{1,80} has incompatible types: struct<[^\n]{1,200}"
        ),
        message="the records or lists in a column have other fields than the schema or the other parts of the data",
        fix="give all records the same fields with the same types, for example with pd.json_normalize, or store them as JSON text",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Expected bytes, got a '\w{1,40}' object[^\n]{0,120}"
            r"|[Cc]ould not convert [^\n]{1,200}? with type \w{1,40}: (?:tried to convert|was not a|did not recognize)"
            r"[^\n]{0,120}"
            r"|cannot mix (?:list and non-list|struct and non-struct|dict and non-dict)[^\n]{0,80}"
            r"|Unhandled type for Arrow to Parquet schema conversion[^\n]{0,60}"
            r"|did not recognize Python value type when inferring"
            r"|object of type <class '[^'\n]{1,80}'> cannot be converted to int"
        ),
        message="a column contained values of different types, or of a type that Arrow does not have",
        fix="convert the column to one type before the step returns it, for example with astype('string')",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"(?:assignment destination|(?:output|buffer source) array|cannot set \w{1,20} flag[^\n]{0,40}|array) is read-only|[Cc]annot modify read-only array",
        message="the driver wrote into an array that cannot be changed, such as a view of Arrow or of a frame",
        fix="copy before the change: df = df.copy(), or to_numpy(copy=True)",
        domain="code",
    ),
)
