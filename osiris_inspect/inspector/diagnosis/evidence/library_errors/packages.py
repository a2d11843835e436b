"""Errors of Python packages: pandas, polars, pyarrow, SQLAlchemy, asyncpg, pydantic, XML parsers and others.

Source: the messages in the source code of these packages.
"""

from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import KnownError as E
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import Library
from osiris_inspect.model.finding import Confidence

_FORM = r"(?:%s)"
_VALUE_FIX = (
    "correct the value at its source or in the query, or convert the column by a rule that covers such values"
)
_PARAMETERS = "the query has another number of parameters than values were given"
_PARAMETERS_FIX = "give one value for each parameter of the query"

_FRAMES = Library(
    "",
    _FORM,
    (
        E("column-missing", r"unable to find column \\?\"(?P<column>[^\"\n\\]{1,120})[^\n]{0,200}", "column {name} was not found", "use a column name that exists in the source"),
        E("join-refused", r"datatypes of join keys don't match[^\n]{0,200}", "the keys of the join have different types", "convert the key to one type on both sides"),
        E("value-not-convertible", r"conversion from `[\w\[\], ]{1,60}` to `[\w\[\], ]{1,60}` failed[^\n]{0,160}|could not parse `[^`\n]{1,120}` as (?:dtype|`)[^\n]{0,120}", "a value could not be converted", _VALUE_FIX),
        E("frame-refused", r"Unable to merge: Field [^\n]{1,80} has incompatible types: [^\n]{1,120}", "parts of the data have different types for one field", "convert all parts to one schema before they are combined"),
        E("frame-refused", r"unexpected value while building Series of type[^\n]{1,160}", "a column would contain values of different types", "convert the values to one type first"),
        E("frame-refused", r"If using all scalar values, you must pass an index", "one record of single values was given where columns of values are expected", "put the record into a list, as in pd.DataFrame([record])"),
        E("frame-refused", r"Cannot setitem on a Categorical with a new category[^\n]{0,80}", "a value is not a category of the column", "add it with cat.add_categories, or convert the column to text first"),
        E("frame-refused", r"Mixing dicts with non-Series may lead to ambiguous ordering", "a record contains mappings beside single values", "flatten the records first, for example with pd.json_normalize"),
    ),
)  # fmt: skip
_SQLALCHEMY = Library(
    "",
    _FORM,
    (
        E("query-failed", r"A value is required for bind parameter '(?P<parameter>[^'\n]{1,80})'[^\n]{0,80}", "the query contains the parameter {name}, which got no value", "give it a value; if it is not a parameter, write \\: in place of the colon"),
        E("package-incompatible", r"Not an executable object: [^\n]{1,120}", "SQLAlchemy 2 does not execute a plain text", "wrap the query in sqlalchemy.text(...)"),
        E("config-value-invalid", r"Can't load plugin: sqlalchemy\.dialects:[\w.]{1,60}", "the address begins with a kind of database that is not known or not installed", "use a name such as postgresql:// or mysql+pymysql://, or install the package of the dialect"),
        E("query-failed", r"This result object does not return rows[^\n]{0,60}", "the statement returned no rows, and the code read some", "use a query that returns rows, or do not read its result"),
        E("query-failed", r"Can't reconnect until invalid transaction is rolled back[^\n]{0,60}|\bPendingRollbackError\b[^\n]{0,120}", "an earlier statement of the transaction failed", "look for the first error before this one, and roll back after it"),
        E("query-failed", r"the query has \d{1,6} placeholders? but \d{1,6} parameters? (?:was|were) passed|Incorrect number of bindings supplied[^\n]{0,120}|the server expects \d{1,6} arguments? for this query, \d{1,6} (?:was|were) passed", _PARAMETERS, _PARAMETERS_FIX),
        E("value-refused", r"invalid input for query argument \$\d{1,5}: [^\n]{1,200}", "asyncpg needs a Python value of the type of the column or parameter", "convert the value first: dates and times with datetime, numbers with int or Decimal"),
        E("config-value-invalid", r"\b(?:connect|Connection\.__init__|Connection)\(\) got an unexpected keyword argument '(?P<option>\w{1,60})'", "the client library does not know the setting {name} of the connection", "correct the spelling of the setting, or remove it", Confidence.MEDIUM),
        E("config-value-invalid", r"Port could not be cast to integer value as [^\n]{1,60}|getsockaddrarg: port must be 0-65535[^\n]{0,20}|invalid integer value \"[^\"\n]{0,60}\" for connection option \"port\"|invalid port number: [^\n]{1,60}", "the port of the connection is not a number of a port", "correct the port; if it is a variable, check that the variable is set"),
    ),
)  # fmt: skip
_MODELS = Library(
    r"\[type=\w|validation error|failure cases|validator number|\bpandera\b|non-nullable series|expected series|jsonschema",
    _FORM,
    (
        E("library-error", r"\b\d{1,5} validation errors? for (?!\w{0,60}(?:Config|Settings|Options|Params)\b|[^\n]{1,120}\n {0,8}Invalid JSON)[\w\[\], .]{1,80}", "values do not have the form that the model requires", "correct the fields that the message names: in the config of the step if they are settings, else in the data", domain="data"),
        E("library-error", r"failed (?:element-wise|series or dataframe|series-wise|dataframe-level)? ?validator number \d{1,4}: [^\n]{1,200}", "values did not pass a check of the schema", "correct or drop the rows that the message names, or change the check", domain="data"),
        E("library-error", r"non-nullable series '[^'\n]{1,80}' contains null values[^\n]{0,120}", "a column that must have values contains missing ones", "set or drop the missing values, or allow them in the schema", domain="data"),
        E("library-error", r"expected series '[^'\n]{1,80}' to have type [^\n]{1,80}", "a column has another type than the schema requires", "convert the column, or change the schema", domain="data"),
    ),
)  # fmt: skip
_HTTP = Library(
    "",
    _FORM,
    (
        E("library-error", r"Attempt to decode JSON with unexpected mimetype: [^\n]{0,80}", "the response was not JSON", "look at the response: it is often a page of a login, a proxy or another address"),
        E("value-refused", r"Header part \([^\n]{1,80}\) from [^\n]{1,120} must be of type str", "a header has a value that is not text", "convert the value of the header with str()"),
        E("tls-failed", r"Could not find a suitable TLS CA certificate bundle, invalid path: (?![^\n]{0,200}(?:site|dist)-packages)[^\n]{1,160}", "the file of CA certificates in the settings does not exist", "correct REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or the option verify"),
    ),
)  # fmt: skip
_XML = Library(
    r"(?i:xml|expat)|\bParseError\b|line \d{1,9}, column \d",
    _FORM,
    (
        E("file-format-wrong", r"Document is empty, line 1|no element found: line 1, column 0", "the XML was empty", "look at the response or the file that was read"),
        E("file-format-wrong", r"\bsyntax error: line 1, column 0|Start tag expected, '<' not found[^\n]{0,60}", "the text that was read is not XML", "look at the response or the file: it is often an error message or JSON"),
        E("file-format-wrong", r"Opening and ending tag mismatch: [^\n]{1,120}|\bmismatched tag: line \d{1,9}[^\n]{0,30}|Premature end of data in tag[^\n]{0,80}|no element found: line \d{1,9}[^\n]{0,30}", "the XML is not well-formed: an element is not closed, or the end is missing", "check whether the XML is complete, or correct it at its source"),
        E("file-format-wrong", r"not well-formed \(invalid token\)[^\n]{0,40}|undefined entity[^\n]{0,60}|xmlParseEntityRef: [^\n]{1,60}|junk after document element[^\n]{0,40}|Extra content at the end of the document[^\n]{0,40}", "the XML is not well-formed", "correct it at its source; & and < in text must be written as &amp; and &lt;"),
    ),
)  # fmt: skip
_OTHERS = Library(
    "",
    _FORM,
    (
        E("environment-variable-missing", r"(?:could not translate host name|Unknown (?:MySQL server )?host) ['\"]\$\{?\w{1,60}", "a placeholder in the configuration was not replaced by the value of its variable", "set the environment variable, and check the spelling of the placeholder"),
        E("package-incompatible", r"Detected incompatible Protobuf Gencode/Runtime versions[^\n]{0,200}", "the installed protobuf is older than a package requires", "update protobuf where the step runs"),
        E("package-incompatible", r"Descriptors cannot (?:not )?be created directly", "the installed protobuf is newer than a package supports", "update the package, or install protobuf 3.20"),
        E("constraint-violated", r"Cannot coerce NULL in table `?[^\n]{1,120}? column `?[^\n]{1,80}? which is not nullable", "a column that must have values got NULL", "set or drop the missing values, or allow NULL in the schema"),
        E("config-value-missing", r"Missing \d{1,3} fields? in configuration: [^\n]{1,160}", "a required configuration value was missing", "set it in secrets.toml, config.toml or the environment variable that the message names"),
        E("frame-refused", r"contract_mode[= ]`?freeze[^\n]{0,160}|with contract mode `?freeze[^\n]{0,120}", "the data has a table, column or type that the frozen schema does not allow", "correct the data, or set the schema contract to evolve"),
    ),
)  # fmt: skip
PACKAGES = (_FRAMES, _SQLALCHEMY, _MODELS, _HTTP, _XML, _OTHERS)
