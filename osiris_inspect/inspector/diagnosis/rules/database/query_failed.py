"""A database rejected a query for another reason than its syntax or its names.

What it finds:
    An error that the database raised while it executed a query.

Why it matters:
    The step has no output, so all downstream steps have no input.

How to fix:
    Correct the query or the data; the message names the value or the function.

Example:
    `Conversion Error: Could not convert string 'n/a' to INT32`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import states_status
from osiris_inspect.inspector.diagnosis.evidence.python_values import is_numpy_value
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

REFINES = ("connection-failed", "request-refused", "table-creation-failed", "write-failed")
IS_GENERAL = True
_NOT_CONVERTED = "a value could not be converted to the type that the query requires"
_TRY_CAST = "correct the value at its source or use TRY_CAST, which returns NULL instead"
_TOO_LARGE = "a result was too large for its type"
_WIDER_TYPE = "cast to a wider type before the calculation, such as BIGINT or DECIMAL"


def _declared_type_fix(_run: Run, _text: ErrorText, match: re.Match[str]) -> str:
    if match["column"] == match["value"]:
        return f"delete the row of the SQLite table that contains the header of an imported file ({match['value']!r} in the column of this name)"
    return "set sqlite_all_varchar (SET sqlite_all_varchar = true) and cast the column in the query, or correct the values in the SQLite table"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Mismatch Type Error: Invalid type in column \"(?P<column>[^\"\n]{1,120})\": column was declared as (?:\w{1,40}),"
            r" found \"(?P<value>[^\"\n]{0,200})\" of type \"\w{1,20}\""
        ),
        message="the SQLite table declares another type for the column than this value has, which SQLite allows",
        fix=_declared_type_fix,
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"(?<!\w )Conversion Error: (?:Could not (?:convert|cast|parse)|Casting |Type \w|Unimplemented type|(?:invalid|date|time|timestamp) )[^\n]{1,160}"
            r"|Error when converting column [^\n]{1,160}|Could not parse string [^\n]{1,160} according to format[^\n]{0,60}|(?<!\w )Mismatch Type Error: [^\n]{1,160}"
        ),
        message=_NOT_CONVERTED,
        fix=_TRY_CAST,
        domain="data",
    ),
    ErrorPattern(
        pattern=r"(?<!\w )Conversion Error: [^\n]{1,160}",
        message=_NOT_CONVERTED,
        fix=_TRY_CAST,
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"(?<!\w )Out of Range Error: (?:Overflow|Cannot |[^\n]{0,80}\b(?:overflow|out of range))[^\n]{0,160}",
        message=_TOO_LARGE,
        fix=_WIDER_TYPE,
        domain="data",
    ),
    ErrorPattern(
        pattern=r"(?<!\w )Out of Range Error: [^\n]{1,160}",
        message=_TOO_LARGE,
        fix=_WIDER_TYPE,
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"Binder Error: Ambiguous reference[^\n]{1,160}"
            r"|Column '[^'\n]{1,80}' in [^\n]{1,40} is ambiguous|column reference \"[^\"\n]{1,80}\" is ambiguous"
        ),
        message="a column name was ambiguous",
        fix="qualify the column with its table name",
        domain="config",
        error_class="ambiguous",
    ),
    ErrorPattern(
        pattern=(
            r"must appear in the GROUP BY clause[^\n]{0,120}|not in GROUP BY clause[^\n]{0,120}"
            r"|isn't in GROUP BY|In aggregated query without GROUP BY[^\n]{0,120}"
        ),
        message="a column was neither grouped nor aggregated",
        fix="add the column to GROUP BY or aggregate it, for example with any_value",
        domain="config",
        error_class="grouping",
    ),
    ErrorPattern(
        pattern=(
            r"has duplicate column name[^\n]{0,100}|Duplicate column name '[^'\n]{1,80}'"
            r"|Duplicate alias \"[^\n]{1,100}|Not unique table/alias: [^\n]{1,80}"
            r"|column \"[^\"\n]{1,80}\" specified more than once|Column '[^'\n]{1,80}' specified twice"
        ),
        message="a name was used twice",
        fix="rename or drop one of the two; each column of a frame and each table of a query needs a unique name",
        domain="config",
        error_class="name twice",
    ),
    ErrorPattern(
        pattern=r"operator does not exist: [^\n]{1,120}",
        message="the operator does not exist for the types of its two sides",
        fix="cast one side to the type of the other, or both to a type that has the operator",
        domain="config",
        error_class="no operator",
    ),
    ErrorPattern(
        pattern=r"could not identify an (?:equality|ordering|hash)[^\n]{1,120}",
        message="values of this type cannot be compared or sorted",
        fix="cast the column before DISTINCT, GROUP BY, UNION or ORDER BY, for example json to jsonb or text",
        domain="config",
        error_class="no comparison",
    ),
    ErrorPattern(
        pattern=(
            r"(?:missing|invalid reference to) FROM-clause entry for table[^\n]{1,100}"
            r"|Unknown table '[^'\n]{1,120}' in (?:field list|\w{1,20} clause)|Binder Error: Referenced table \"[^\n]{1,160}"
        ),
        message="the query uses a table or an alias that its FROM clause does not contain",
        fix="add the table to the FROM clause, or use the alias that it has there",
        domain="config",
        error_class="no table in query",
    ),
    ErrorPattern(
        pattern=r"more than one row returned by a subquery|(?i:subquery (?:returns|returned) more than (?:1|one) (?:row|value))",
        message="a subquery returned several rows where one value is required",
        fix="aggregate or limit the subquery, or compare with IN",
        domain="config",
        error_class="several rows",
    ),
    ErrorPattern(
        pattern=(
            r"INSERT has more (?:expressions|target columns)[^\n]{0,40}|must have the same number of columns"
            r"|Column count doesn't match value count[^\n]{0,40}|SELECT statements have a different number of columns"
            r"|Number of columns does not match number of values"
        ),
        message="the parts of the statement have different numbers of columns",
        fix="name the columns in INSERT, and select the same number in each part",
        domain="config",
        error_class="number of columns",
    ),
    ErrorPattern(
        pattern=r"cannot insert multiple commands[^\n]{0,60}",
        message="one call contained several statements",
        fix="send one statement at a time",
        domain="config",
        error_class="several statements",
    ),
    ErrorPattern(
        pattern=(
            r"(?:aggregate|window) functions are not allowed in[^\n]{0,60}|aggregate function calls can[^\n]{0,60}"
            r"|Invalid use of group function|(?i:misuse of (?:aggregate|window))[^\n]{0,60}"
        ),
        message="an aggregate or window function stands where the statement does not allow it",
        fix="use HAVING or a subquery",
        domain="config",
        error_class="misplaced aggregate",
    ),
    ErrorPattern(
        pattern=r"SELECT DISTINCT[^\n]{0,40} must [^\n]{1,60}|ORDER BY position \d{1,9} is not in select list",
        message="ORDER BY does not fit to the columns that the query selects",
        fix="select the columns that ORDER BY names, and those of DISTINCT ON first",
        domain="config",
        error_class="order of rows",
    ),
    ErrorPattern(
        pattern=r"(?:\bDivisionByZero|DIVISION_BY_ZERO|Divide by zero error encountered)\b[^\n]{0,60}",
        message="the query divided by zero",
        fix="use NULLIF(divisor, 0), or leave out the rows whose divisor is 0",
        domain="data",
        error_class="division",
    ),
    ErrorPattern(
        pattern=r"\bvalue is out of range in '[^\n]{1,120}",
        message="a calculation left the range of its type",
        fix="cast the operands to a larger or signed type before the calculation",
        domain="data",
        error_class="calculation",
    ),
    ErrorPattern(
        pattern=r"being used by active queries in this session|because it has pending trigger events",
        message="the same session still used the table",
        fix="close open cursors and commit before this statement",
        domain="code",
        error_class="own use of table",
    ),
    ErrorPattern(
        pattern=r"cached plan must not change result type",
        message="the table changed while the connection had a prepared query on it",
        fix="connect again after the change, or disable prepared statements",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"number of (?:query )?(?:parameters|arguments) (?:must be between|cannot exceed)[^\n]{1,60}|too many SQL variables"
            r"|request has too many parameters[^\n]{0,120}"
        ),
        message="the statement has more parameters than the database allows",
        fix="write fewer rows in one statement",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"because other objects depend on it|(?i:cannot truncate a table referenced in a foreign key)[^\n]{0,40}",
        message="other objects of the database depend on it",
        fix="change or drop those first, or use CASCADE if they are not needed",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\btype \"(?:vector|halfvec|citext|hstore|ltree|geometry|geography)\" does not exist",
        message="the type belongs to an extension that the database has not enabled",
        fix="run CREATE EXTENSION for it, and check that its schema is in the search_path",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"Catalog Error: [\w ]{1,30} Function with name [^\n]{1,120}"
            r"|No function matches the given name and argument types[^\n]{0,120}"
            r"|FUNCTION [\w.]{1,120} does not exist|function [^\n]{1,120}\([^\n]{0,120}\) does not exist"
            r"|Could not find the function [^\n]{1,120}"
        ),
        unless=is_numpy_value,
        message="the query called a function that does not exist for these argument types",
        fix="correct the function name or cast its arguments to the accepted types",
        domain="config",
        error_class="no function",
    ),
    ErrorPattern(
        pattern=r"column \"[^\"\n]{1,80}\" is of type [^\n]{1,80} but expression is of type [^\n]{1,60}",
        message="an expression had another type than the statement requires",
        fix="cast it to the type that the message names",
        domain="config",
        error_class="type",
    ),
    ErrorPattern(
        pattern=r"View '[^'\n]{1,120}' references invalid [^\n]{1,160}",
        message="a database view was invalid or not accessible",
        fix="check the tables and columns of the view and the permissions of its definer",
        domain="config",
        error_class="broken view",
    ),
    ErrorPattern(
        pattern=(
            r"Query execution was interrupted(?!, maximum)[^\n]{0,60}"
            r"|canceling statement due to user request[^\n]{0,60}"
        ),
        message="the query was interrupted",
        fix="find out what ended it (an administrator, the client, a limit or a shutdown), then run again",
        domain="infra",
        error_class="interrupted",
    ),
    ErrorPattern(
        pattern=r"(?:INTERRUPT|Interrupt) Error: [^\n]{1,100}",
        message="the query was interrupted in the process of the step",
        fix="check whether a time limit, a signal or another thread of the driver interrupted it, then run again",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?:extra data after last expected column|missing data for column \"[^\"\n]{1,80}\")[^\n]{0,120}",
        message="a line of the data had another number of fields than the table has columns",
        fix="name the columns in the COPY command, and check delimiter and quoting of the data",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"(?:relation|type|schema|index|database|role) \"[^\"\n]{1,120}\" already exists"
            r"|(?:Table|database) '[^'\n]{1,120}' already exists|database exists"
            r"|(?:Table|View|Index|Schema) with name \"?[^\"\n]{1,120}?\"? already exists"
        ),
        message="the statement created something that exists already",
        fix="use CREATE ... IF NOT EXISTS, drop the old one first, or choose another name",
        domain="config",
        error_class="name taken",
    ),
    ErrorPattern(
        pattern=r"prepared statement [^\n]{1,80} (?:already exists|does not exist)|Unknown prepared statement handler[^\n]{0,60}",
        message="a pooler in transaction mode shared one server connection between clients that prepare statements",
        fix="use the session port of the pooler or a direct connection, or disable prepared statements in the client",
        domain="config",
        confidence=Confidence.MEDIUM,
        error_class="prepared statement",
    ),
    ErrorPattern(
        pattern=r"Could not find a relationship between [^\n]{1,160}",
        message="the service found no foreign key between the tables of the request",
        fix="add the foreign key, or run NOTIFY pgrst, 'reload schema' in the database if it exists",
        domain="config",
        error_class="no key in cache",
    ),
    ErrorPattern(
        pattern=r"more than one relationship was found for [^\n]{1,160}",
        message="several foreign keys connect the tables of the request, and the service does not know which one to use",
        fix="name the foreign key in select, as in customers!orders_customer_id_fkey(*); the hint lists the names",
        domain="config",
        error_class="several keys",
    ),
    ErrorPattern(
        pattern=r"Could not choose the best candidate function between[^\n]{0,160}",
        message="several functions have this name and take these arguments",
        fix="drop or rename one of the functions, or pass arguments that only one of them has",
        domain="config",
        error_class="several functions",
    ),
    ErrorPattern(
        pattern=r"HTTP Error: [^\n]{1,200}",
        message="the database could not read a file over HTTP",
        confidence=Confidence.MEDIUM,
        fix="check the URL in the query, the credentials for it, and the network where the step ran",
        domain="config",
        unless=states_status,
    ),
    ErrorPattern(
        pattern=r"violates exclusion constraint[^\n]{0,100}|violates check option for view[^\n]{0,80}",
        message="the target rejected rows that violate a constraint",
        fix="correct the rows that the constraint does not allow",
        domain="data",
        error_class="integrity",
    ),
    ErrorPattern(
        pattern=r"(?:configuration limit|program limit) exceeded[^\n]{0,60}|stack depth limit exceeded|Too many columns",
        message="the statement exceeded a limit of the database server",
        fix="simplify the statement or write fewer columns and rows at once",
        domain="data",
        error_class="server limit",
    ),
    ErrorPattern(
        pattern=r"(?:could not (?:read|write|open) (?:block|file)|invalid page in block) [^\n]{1,120}",
        message="the database server reported an internal error",
        fix="check what the message names, then the log of the database server",
        domain="infra",
        confidence=Confidence.MEDIUM,
        error_class="server fault",
    ),
    ErrorPattern(
        pattern=r"PL/pgSQL function [^\n]{1,120} at RAISE",
        message="a function or trigger of the database raised the error",
        fix="correct the rows or the function that the message names",
        domain="data",
        error_class="raised in the database",
    ),
    ErrorPattern(
        pattern=r"(?i:current transaction is aborted)[^\n]{0,100}",
        message="an earlier statement of the transaction failed",
        fix="look for the first error before this one in the log",
        domain="config",
        error_class="failed transaction",
    ),
    ErrorPattern(
        pattern=(
            r"Cannot query field [^\n]{1,120}|Unknown (?:argument|type|fragment|directive|operation named) [\"'@][^\n]{1,120}"
            r"|Variable [\"']\$[^\n]{1,160}|Field [\"']\w{1,80}[\"'] (?:of type|argument|is not defined|must not have)[^\n]{1,160}"
            r"|GRAPHQL_PARSE_FAILED"
        ),
        message="the service rejected the query",
        fix="correct the field or argument that the message names",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"GraphQL errors: (?![^\n]{0,400}(?:UNAUTHENTICATED|FORBIDDEN|must be authenticated))[^\n]{1,160}",
        message="the service answered the query with an error",
        fix="correct what the message names in the query; if it names a fault of the service, run again later",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"Permission Error: [^\n]{1,200}disabled (?:by|through) configuration",
        message="the settings of the database do not allow this access",
        fix="pass the data to the step as an input, or allow the access in the settings of the connection",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"Not implemented Error: Data type '[^'\n]{1,80}' not recognized",
        message="a column of the DataFrame has a type that DuckDB does not support",
        fix="convert the column before the query, for example to text, a number or a timestamp",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"(?<!\w )(?:Binder Error: (?!Ambiguous|No function|Referenced table|[^\n]{0,120}(?:GROUP BY clause|duplicate column name))"
            r"|Constraint Error: |Invalid Input Error: (?!Could not parse|Python Object|Need a DataFrame)"
            r"|Catalog Error: (?!Table with name|[\w ]{1,30} Function with name)|Not implemented Error: (?!Data type ')"
            r"|Permission Error: (?![^\n]{1,200}disabled (?:by|through) configuration)"
            r"|(?:Type|Dependency|Sequence|TransactionContext|Transaction) Error: )[^\n]{1,160}"
            r"|\(pymysql\.err\.\w{1,30}\) \((?:1|[3-9])\d{3}, [^\n]{1,160}"
        ),
        error_class="statement",
        message="the database rejected the query",
        fix="correct the query or the value that the message names",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
)
