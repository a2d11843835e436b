"""Errors of databases: those without SQLSTATE, and others that ``base.error_codes`` does not list. Oracle, SQL Server, Snowflake, ClickHouse, Trino, Spark, MongoDB and Redis.

Source: the error references of these products.
"""

from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import KnownError as E
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import Library
from osiris_inspect.model.finding import Confidence

_TABLE = "the table or view does not exist, or the user may not see it"
_TABLE_FIX = "correct the name and its schema, or grant the user access to it"
_COLUMN = "the query names something that does not exist, usually a column"
_COLUMN_FIX = "correct the name; compare it with the columns of the table"
_DUPLICATE = "the target rejected a duplicate key"
_DUPLICATE_FIX = "remove rows with an existing key before the write, or update the existing ones; earlier rows may have been written"
_NULL = "a required column got no value"
_NULL_FIX = "set the value in the pipeline, drop these rows, or define a default"
_PARENT = "the rows reference missing rows of another table"
_PARENT_FIX = "write the referenced table first or drop rows without a match"
_CHILD = "rows of another table still reference rows that were to be deleted or changed"
_CHILD_FIX = "delete or change the rows that reference them first"
_CHECK_FIX = "correct or drop the rows that the named constraint does not allow"
_LONG = "a value was too long or too large for its column"
_LONG_FIX = "shorten the value in the pipeline or widen the column"
_CONVERT = "a value could not be converted to the type that the statement requires"
_CONVERT_FIX = "correct the value at its source, or convert it by a rule that covers such values"
_SYNTAX = "the query was not valid SQL"
_SYNTAX_FIX = "correct the query where the message points"
_ZERO = "the query divided by zero"
_ZERO_FIX = "use NULLIF(divisor, 0), or leave out the rows whose divisor is 0"
_FUNCTION = "the query called a function that does not exist"
_FUNCTION_FIX = "use the function of this database, or correct the name and the types of its arguments"
_COUNT = "the parts of the statement have different numbers of columns"
_COUNT_FIX = "name the columns in INSERT, and select the same number in each part"
_LIMIT = "the server cancelled the query at its time limit"
_LIMIT_FIX = "simplify the query, process less data at once, or raise the limit"
_MEMORY = "the query needed more memory than the server allows"
_MEMORY_FIX = "process less data at once, or raise the memory limit of the query"
_RIGHTS = "the user lacks a privilege"
_RIGHTS_FIX = "grant the privilege that the message names, or use an account that has it"
_NAME = "a name exists twice in the query"
_NAME_FIX = "qualify the column with its table name"
_LATER = "run again later; run fewer queries at once"
_CHANGED = "another transaction changed the same data"
_FULL = "the storage of the database is full"
_FULL_FIX = "extend the storage that the message names, or delete data"

_POSTGRES = Library(
    "",
    r"(?:%s)[^\n]{0,160}",
    (
        E("query-failed", r"\bmaterialized view [^\n]{1,100} has not been populated", "the materialized view has no data yet", "run REFRESH MATERIALIZED VIEW before the query"),
        E("query-failed", r"\bcross-database references are not implemented", "the query names a table of another database", "connect to that database, or leave the database name out"),
        E("query-failed", r"cannot (?:run inside|be executed from) a transaction block|cannot be executed within a pipeline", "the statement may not run inside of a transaction", "use a connection with autocommit for it"),
        E("query-failed", r"extension \"[^\"\n]{1,80}\" is not available|could not open extension control file", "the extension is not installed on the database server", "install it there, or use a server that offers it"),
        E("config-value-invalid", r"\bunsupported startup parameter(?: in options)?: ", "the pooler does not accept this parameter of the connection", "remove it, or list it in ignore_startup_parameters of the pooler"),
    ),
)  # fmt: skip
_MYSQL = Library(
    "",
    r"(?<![\w.])\((?:%s), ?['\"][^\n]{0,160}",
    (
        E("config-value-missing", "1046", "no database was selected", "set the database in the connection, or qualify the table"),
        E("query-failed", "1267|1270|1271", "texts with different collations were compared or combined", "convert one side with COLLATE, or give the columns the same collation"),
        E("query-failed", "1093", "the statement changes a table that its subquery reads", "put the subquery into a derived table, or split the statement"),
        E("query-failed", "1241", "a subquery or a row has another number of columns than the comparison", "select one column, or compare rows of the same length"),
        E("query-failed", "1118", "a row of the table would be larger than the server allows", "use TEXT or BLOB for long columns, or fewer columns"),
        E("query-failed", "1071", "a key would be longer than the server allows", "index a prefix of the column, or shorten the column"),
        E("query-failed", "1170", "a TEXT or BLOB column is part of a key without a length", "use VARCHAR with a length for key columns, or index a prefix"),
        E("query-failed", "1148|3948|4166", "the server or the client does not allow LOAD DATA LOCAL", "set local_infile on both sides, or write the rows with INSERT"),
        E("permission-denied", r"1290(?=, ['\"][^\n]{1,80}--secure-file-priv)", "the server reads and writes files only in the folder of secure_file_priv", "use a file in that folder, or LOAD DATA LOCAL"),
        E("lock-conflict", "1206", "the transaction needed more locks than the server has memory for", "write in smaller batches"),
        E("disk-full", r"1030(?=, ['\"]Got error 28 )", "the disk of the database was full", "free disk space on the server"),
        E("service-failed", "1194|1195", "the table is damaged", "have the table repaired on the server"),
    ),
)  # fmt: skip
_SQLITE = Library(
    "",
    r"(?:%s)",
    (
        E("sql-syntax", r"\bnear \"[^\"\n]{0,80}\": syntax error|\bincomplete input$", _SYNTAX, _SYNTAX_FIX),
        E("query-failed", r"\bno such function: \w{1,60}", _FUNCTION, _FUNCTION_FIX),
        E("query-failed", r"\b\d{1,6} values for \d{1,6} columns|\bhas \d{1,6} columns but \d{1,6} values were supplied", _COUNT, _COUNT_FIX),
        E("query-failed", r"You can only execute one statement at a time", "one call contained several statements", "send one statement at a time, or use executescript()"),
    ),
)  # fmt: skip
_ORACLE = Library(
    r"\b(?:ORA|PLS|TNS|DPY|DPI)-\d{4,5}\b",
    r"\b(?:%s)\b[^\n]{0,160}",
    (
        E("table-missing", "ORA-00942", _TABLE, _TABLE_FIX),
        E("column-missing", "ORA-00904", _COLUMN, _COLUMN_FIX),
        E("constraint-violated", "ORA-00001", _DUPLICATE, _DUPLICATE_FIX),
        E("constraint-violated", "ORA-0140[07]", _NULL, _NULL_FIX),
        E("constraint-violated", "ORA-02291", _PARENT, _PARENT_FIX),
        E("constraint-violated", "ORA-02292", _CHILD, _CHILD_FIX),
        E("constraint-violated", "ORA-02290", "the rows violate a check constraint", _CHECK_FIX),
        E("value-refused", "ORA-12899|ORA-01438|ORA-01401", _LONG, _LONG_FIX),
        E("query-failed", "ORA-01722", "a text is not a number", _CONVERT_FIX),
        E("query-failed", "ORA-0(?:1843|1861|1830|1858|1847|1850)", "the text of a date does not fit its format", "state the format in TO_DATE or TO_TIMESTAMP, and correct the value if it is wrong"),
        E("query-failed", "ORA-01476", _ZERO, _ZERO_FIX),
        E("sql-syntax", "ORA-00911", "the query contains a character that is not allowed, often a semicolon at its end", "remove the character"),
        E("sql-syntax", "ORA-009(?:00|05|06|07|08|17|20|21|22|23|28|33|36)", _SYNTAX, _SYNTAX_FIX),
        E("query-failed", "ORA-00913|ORA-00947|ORA-01789", _COUNT, _COUNT_FIX),
        E("query-failed", "ORA-00918", _NAME, _NAME_FIX),
        E("query-failed", "ORA-00979|ORA-00937", "a column was neither grouped nor aggregated", "add the column to GROUP BY or aggregate it"),
        E("query-failed", "ORA-01427", "a subquery returned several rows where one value is required", "aggregate or limit the subquery, or compare with IN"),
        E("query-failed", "ORA-01795", "a list in the query has more than 1000 values", "split the list, or join a table with the values"),
        E("query-failed", "PLS-00201", "the statement names something that does not exist or that the user may not use", _TABLE_FIX),
        E("query-failed", "ORA-00955", "the statement created something that exists already", "drop the old one first, or choose another name"),
        E("query-failed", "ORA-01555", "the query ran so long that older versions of its rows were overwritten", "read less at once, or have UNDO_RETENTION raised; then run again"),
        E("query-failed", "ORA-01000", "the session has too many open cursors", "close cursors after use"),
        E("lock-conflict", "ORA-08177", _CHANGED, "run again"),
        E("disk-full", "ORA-0165[0-9]|ORA-01536|ORA-19809", _FULL, _FULL_FIX),
        E("out-of-memory", "ORA-04031|ORA-04036", _MEMORY, _MEMORY_FIX),
        E("permission-denied", "ORA-01031|ORA-01045", _RIGHTS, _RIGHTS_FIX),
        E("connection-refused", "ORA-12541|TNS-12541", "no Oracle listener runs at this host and port", "correct host and port of the connection, or start the listener"),
        E("connection-refused", "ORA-000(?:18|20)|ORA-125(?:16|19|20)", "the server has no session left for another connection", "close unused connections, or raise its limits of sessions and processes"),
        E("database-missing", "ORA-125(?:14|05)|DPY-600[13]", "the listener does not know the service or SID of the connection", "correct the service name or the SID, or start the database"),
        E("config-value-invalid", "ORA-12154|TNS-03505|DPY-4000|DPY-4027", "the name of the database is not known where the step ran", "use host:port/service, or set TNS_ADMIN to the folder of tnsnames.ora"),
        E("network-timeout", "ORA-12170|ORA-12535|DPY-4024", "the server did not respond in time", "check address, firewall and load of the server, then run again"),
        E("connection-lost", "ORA-0(?:3113|3114|3135|2396)|DPY-4011|DPY-1001", "the connection was ended", "look in the log of the server at that time, then run again; some work may have been done"),
        E("package-incompatible", "DPY-3010|DPY-3015|DPY-3001", "the thin mode of python-oracledb does not support this server or account", "call oracledb.init_oracle_client() with an installed Oracle Client, or change the server"),
        E("package-incompatible", "DPI-1047", "the Oracle Client library was not found where the step ran", "install Oracle Instant Client there, or use the thin mode"),
    ),
)  # fmt: skip
_SQL_SERVER = Library(
    r"\[SQL Server\]|\[Microsoft\]|\bpymssql\b|\bpyodbc\b|unixODBC|^\('?\w{5}'?, ['\"]\[\w{5}\]",
    r"(?:\[SQL Server\][^\n]{1,500}?\((?:%s)\)|\bpymssql\.[^\n]{1,60}\((?:%s), b|^\((?:%s), b['\"])",
    (
        E("table-missing", "208|4902", _TABLE, _TABLE_FIX),
        E("column-missing", "207", "a column does not exist", _COLUMN_FIX),
        E("query-failed", "4104|4145", "the query uses a table or an alias that its FROM clause does not contain", "add the table to FROM, or use the alias that it has there"),
        E("constraint-violated", "2627|2601", _DUPLICATE, _DUPLICATE_FIX),
        E("constraint-violated", "515", _NULL, _NULL_FIX),
        E("constraint-violated", "547", "the rows conflict with a FOREIGN KEY, REFERENCE or CHECK constraint, which the message names", "correct the rows; write referenced tables first, and delete referencing rows first"),
        E("value-refused", "2628|8152|220|8115", _LONG, _LONG_FIX),
        E("query-failed", "245|8114|241|242|295|248|9803", _CONVERT, _CONVERT_FIX),
        E("query-failed", "8134", _ZERO, _ZERO_FIX),
        E("database-missing", "4060|911", "the database does not exist, or the login may not open it", "correct the database name of the connection, or give the login access"),
        E("permission-denied", "229|230|262|300|297|916", _RIGHTS, _RIGHTS_FIX),
        E("sql-syntax", "102|105|156|319|170", _SYNTAX, _SYNTAX_FIX),
        E("query-failed", "209", _NAME, _NAME_FIX),
        E("query-failed", "213|109|110|120|121|205", _COUNT, _COUNT_FIX),
        E("query-failed", "195|4121|2812", "a function or procedure does not exist", _FUNCTION_FIX),
        E("query-failed", "2714|1913|1801", "the statement created something that exists already", "drop the old one first, or choose another name"),
        E("query-failed", "8120|8118|8121", "a column was neither grouped nor aggregated", "add the column to GROUP BY or aggregate it"),
        E("query-failed", "512", "a subquery returned several rows where one value is required", "aggregate or limit the subquery, or compare with IN"),
        E("query-failed", "8003", "the statement has more parameters than SQL Server allows (2100)", "write fewer rows in one statement"),
        E("value-refused", "544|8101|273|271", "the frame contained a value for a column that the target generates", "leave the column out of the frame, or set IDENTITY_INSERT"),
        E("lock-conflict", "3960|3961", _CHANGED, "run again"),
        E("disk-full", "1105|9002|1101", _FULL, _FULL_FIX),
        E("out-of-memory", "701|802|8645", _MEMORY, _MEMORY_FIX),
        E("connection-refused", "40615|40532", "the firewall of the server does not allow this address", "add the address of the step to the firewall rules of the server"),
        E("rate-limited", "10928|10929|40501|49918|49919|49920", "the database reached its resource limit", _LATER),
        E("service-failed", "40613|40197|40143", "the database was not available for a moment", "run again later"),
    ),
)  # fmt: skip
_ODBC = Library(
    r"\bIM00\d\b|unixODBC|\bodbc|ODBC",
    r"(?:%s)[^\n]{0,160}",
    (
        E("dependency-missing", r"Can't open lib '[^'\n]{1,200}' : file not found", "the ODBC driver is not installed where the step ran, or a library that it needs", "install the driver, or correct its name in the connection"),
        E("dependency-missing", r"\bIM002\b", "no ODBC data source or driver has this name", "install the driver, and write its exact name, such as ODBC Driver 18 for SQL Server"),
        E("host-not-found", r"Error code 0x2AF9\b", "the host name could not be resolved", "correct the host of the connection"),
        E("connection-refused", r"Error code 0x274D\b", "no server accepted a connection at this host and port", "correct host and port, and check that the server runs"),
        E("network-timeout", r"Error code 0x274C\b", "the server did not respond in time", "check host, port and firewall"),
        E("connection-lost", r"Error code 0x2746\b|\b08S01\b", "the connection was ended", "look in the log of the server, then run again; some work may have been done"),
        E("query-failed", r"\b07002\b", "the statement has another number of parameters than values were given", "give one value for each parameter"),
        E("config-value-invalid", r"\b01S00\b", "the connection string has an attribute that the driver does not know", "correct the attribute"),
    ),
)  # fmt: skip
_SNOWFLAKE = Library(
    r"(?i:snowflake)|\b\d{6} \([0-9A-Z]{5}\): ",
    r"(?:%s)[^\n]{0,160}",
    (
        E("table-missing", r"\b00(?:2003|2043)\b|\bObject '[^'\n]{1,200}' does not exist or not authorized", "the object does not exist, or the role may not see it", "correct the name with database and schema, or grant the role access to it"),
        E("column-missing", r"\b000904\b", "the query names a column that does not exist; names without quotes become upper case", "correct the name, or quote it if it was created in lower case"),
        E("config-value-missing", r"\b000606\b|No active warehouse selected", "no warehouse was selected, or the role may not use it", "set warehouse in the connection, and grant the role USAGE on it"),
        E("config-value-missing", r"\b090105\b|does not have a current (?:database|schema)", "the session has no database or schema", "set database and schema in the connection, or qualify the table"),
        E("sql-syntax", r"\b001003\b", _SYNTAX, _SYNTAX_FIX),
        E("permission-denied", r"\b003001\b|\b390189\b|Role '[^'\n]{1,80}' specified in the connect string is not granted", "the role lacks a privilege, or the user has not been granted the role", "grant it, or use another role in the connection"),
        E("authentication-failed", r"\b390144\b|JWT token is invalid", "the server did not accept the token: its key, account, user or time is wrong", "check that the public key belongs to this user, the account name, and the clock", Confidence.MEDIUM),
        E("authentication-failed", r"\b3901(?:11|12|14|95)\b|\b390318\b", "the session or token had expired", "connect again, or renew the token"),
        E("query-failed", r"\b1000(?:35|38|40|96|97)\b", _CONVERT, "correct the value, or use TRY_CAST or TRY_TO_NUMBER, which return NULL instead"),
        E("value-refused", r"\b100078\b", _LONG, _LONG_FIX),
        E("constraint-violated", r"\b100072\b", _NULL, _NULL_FIX),
        E("query-failed", r"\b100051\b", _ZERO, _ZERO_FIX),
        E("query-failed", r"\b002140\b|\b002141\b", _FUNCTION, _FUNCTION_FIX),
        E("lock-conflict", r"\b000625\b", "another transaction held a lock that the step needed", "run again while no other job writes the table"),
        E("endpoint-missing", r"\b(?:290404|250003)\b[^\n]{0,200}404|404 Not Found: post \S{1,200}snowflakecomputing", "no account answers at this address", "correct the account identifier of the connection"),
    ),
)  # fmt: skip
_CLICKHOUSE = Library(
    r"\bDB::Exception\b|(?i:clickhouse)",
    r"\b[Cc]ode:? (?:%s)\b[^\n]{0,160}",
    (
        E("table-missing", "60", "the table does not exist", "correct the name and the database of the table"),
        E("database-missing", "81", "the database does not exist", "correct the database name of the connection"),
        E("column-missing", "47|16|10", _COLUMN, _COLUMN_FIX),
        E("out-of-memory", "241", _MEMORY, "process less data at once, or raise max_memory_usage"),
        E("sql-syntax", "62", _SYNTAX, _SYNTAX_FIX),
        E("authentication-failed", "516|192|193|194", "the server did not accept user and password", "correct user and password of the connection"),
        E("permission-denied", "497|291", _RIGHTS, _RIGHTS_FIX),
        E("database-read-only", "164|242", "the table or the session is read-only", "use a session or a replica that may write"),
        E("network-timeout", "159|160", _LIMIT, "simplify the query, or raise max_execution_time"),
        E("rate-limited", "202|203", "the server ran too many queries at once", _LATER),
        E("write-failed", "252", "the inserts create parts faster than the server merges them", "write fewer, larger batches"),
        E("query-failed", "46", _FUNCTION, _FUNCTION_FIX),
        E("query-failed", "42|43|53|386", "the types in the query do not fit together", "cast the values to the types that the message names"),
        E("query-failed", "6|26|27|38|41|72", _CONVERT, _CONVERT_FIX),
        E("query-failed", "57|82", "the statement created something that exists already", "use IF NOT EXISTS, or choose another name"),
        E("disk-full", "243", _FULL, _FULL_FIX),
    ),
)  # fmt: skip
_TRINO = Library(
    r"(?i:\btrino|\bpresto)|\b(?:Trino|Presto)\w{0,20}Error\b|type=(?:USER|INSUFFICIENT|EXTERNAL|INTERNAL)_",
    r"\b(?:name=|errorName['\"]?: ['\"])(?:%s)\b[^\n]{0,160}",
    (
        E("column-missing", "COLUMN_NOT_FOUND", "the query names a column that does not exist", _COLUMN_FIX),
        E("table-missing", "TABLE_NOT_FOUND", "the query names a table that does not exist", "correct the name with its catalog and schema"),
        E("database-missing", "SCHEMA_NOT_FOUND|CATALOG_NOT_FOUND", "the catalog or schema does not exist", "correct catalog and schema"),
        E("sql-syntax", "SYNTAX_ERROR", _SYNTAX, _SYNTAX_FIX),
        E("query-failed", "TYPE_MISMATCH", "the types in the query do not fit together", "cast the values to the types that the message names"),
        E("query-failed", "FUNCTION_NOT_FOUND", _FUNCTION, _FUNCTION_FIX),
        E("query-failed", "DIVISION_BY_ZERO", _ZERO, _ZERO_FIX),
        E("query-failed", "INVALID_CAST_ARGUMENT", _CONVERT, "correct the value, or use TRY_CAST, which returns NULL instead"),
        E("query-failed", "AMBIGUOUS_NAME", _NAME, _NAME_FIX),
        E("query-failed", "EXPRESSION_NOT_AGGREGATE", "a column was neither grouped nor aggregated", "add the column to GROUP BY or aggregate it"),
        E("query-failed", "SUBQUERY_MULTIPLE_ROWS", "a subquery returned several rows where one value is required", "aggregate or limit the subquery, or compare with IN"),
        E("query-failed", "NUMERIC_VALUE_OUT_OF_RANGE", "a number does not fit into its type", "cast to a larger type before the calculation"),
        E("permission-denied", "PERMISSION_DENIED", _RIGHTS, _RIGHTS_FIX),
        E("network-timeout", "EXCEEDED_TIME_LIMIT|EXCEEDED_CPU_LIMIT", _LIMIT, _LIMIT_FIX),
        E("out-of-memory", r"EXCEEDED_(?:LOCAL|GLOBAL)_MEMORY_LIMIT|CLUSTER_OUT_OF_MEMORY", _MEMORY, _MEMORY_FIX),
        E("rate-limited", "QUERY_QUEUE_FULL", "the queue of the server was full", _LATER),
    ),
)  # fmt: skip
_SPARK = Library(
    r"\[[A-Z]{3,20}_[A-Z_.]{3,60}\]|(?i:\bspark|databricks)",
    r"\[(?:%s)\b[^\n]{0,160}",
    (
        E("table-missing", "TABLE_OR_VIEW_NOT_FOUND", "the table or view does not exist", "correct the name with its catalog and schema"),
        E("column-missing", "UNRESOLVED_COLUMN", "the query names a column that does not exist", _COLUMN_FIX),
        E("sql-syntax", "PARSE_SYNTAX_ERROR", _SYNTAX, _SYNTAX_FIX),
        E("query-failed", "DIVIDE_BY_ZERO", _ZERO, "use try_divide, or leave out the rows whose divisor is 0"),
        E("query-failed", "CAST_INVALID_INPUT|CANNOT_PARSE_TIMESTAMP", _CONVERT, "correct the value, or use try_cast, which returns NULL instead"),
        E("query-failed", "DATATYPE_MISMATCH", "the types in the query do not fit together", "cast the values to the types that the message names"),
        E("database-missing", "SCHEMA_NOT_FOUND", "the schema does not exist", "correct the schema"),
    ),
)  # fmt: skip
_MONGO = Library(
    r"(?i:\bpymongo|\bmongo)|\bbson\b|\bBSON|\bE11000\b|['\"](?:errmsg|writeErrors)['\"]|\b(?:InvalidDocument|BulkWriteError|DuplicateKeyError|WriteError|OperationFailure)\b|cannot encode object: ",
    r"(?:%s)[^\n]{0,160}",
    (
        E("constraint-violated", r"\bE11000\b", "a document with this unique key exists already", "remove duplicates before the write, or replace existing documents by an upsert; earlier documents may have been written"),
        E("constraint-violated", r"Document failed validation|['\"]code['\"]: 121\b", "a document does not have the form that the collection requires", "correct the fields that the message names"),
        E("value-not-serialisable", r"cannot encode object: |documents must have only string keys|MongoDB can only handle up to 8-byte ints", "a document contained a value or a key that BSON cannot store", "convert the values first: numpy values to Python values, dates to datetime, decimals to Decimal128, keys to text"),
        E("permission-denied", r"not authorized on \S{1,80} to execute|['\"]codeName['\"]: ['\"]Unauthorized", _RIGHTS, "give the user a role that allows the command on this database"),
        E("request-refused", r"BSONObj(?:ect)?(?: size|TooLarge)|object to insert too large|DocumentTooLarge|BSON document too large", "a document was larger than MongoDB allows (16 MB)", "split the document, or store large parts elsewhere"),
        E("network-timeout", r"\bMaxTimeMSExpired\b|operation exceeded time limit", _LIMIT, _LIMIT_FIX),
        E("connection-lost", r"\bCursorNotFound\b|cursor id \d{1,20} not found", "the cursor of the query had expired", "read in smaller batches or faster, or set no_cursor_timeout"),
        E("database-read-only", r"\bNotWritablePrimary\b|\bnot master\b|\bNotPrimaryNoSecondaryOk\b", "the server is not the primary of its replica set", "connect to the replica set, not to a single member"),
        E("lock-conflict", r"\bWriteConflict\b", _CHANGED, "run again"),
        E("value-refused", r"\bImmutableField\b|immutable field '_id'", "an update would change the _id of a document", "leave _id out of the update"),
    ),
)  # fmt: skip
_REDIS = Library(
    r"(?i:\bredis)|\b(?:WRONGPASS|NOAUTH|WRONGTYPE|MISCONF)\b",
    r"(?:^|: )(?:%s)[^\n]{0,120}",
    (
        E("authentication-failed", "WRONGPASS|NOAUTH|invalid username-password pair", "the server did not accept the login, or none was sent", "set user and password of the connection"),
        E("query-failed", "WRONGTYPE|Operation against a key holding the wrong kind", "the key holds a value of another kind", "use another key, or the command for this kind"),
        E("out-of-memory", "OOM command not allowed", "the server reached its memory limit", "delete keys, set an eviction policy, or raise maxmemory"),
        E("database-read-only", "READONLY You can't write", "the server is a read-only replica", "connect to the primary server"),
        E("service-failed", "LOADING Redis is loading", "the server was still loading its data", "run again later"),
        E("disk-full", "MISCONF", "the server cannot save its data to disk, and refuses writes", "look at the disk and the log of the server"),
    ),
)  # fmt: skip
DATABASES = (
    _POSTGRES,
    _MYSQL,
    _SQLITE,
    _ORACLE,
    _SQL_SERVER,
    _ODBC,
    _SNOWFLAKE,
    _CLICKHOUSE,
    _TRINO,
    _SPARK,
    _MONGO,
    _REDIS,
)
