"""Errors of services: Salesforce, Amazon, Google, Azure, Elasticsearch, Kafka, and servers over SSH.

Source: the error references of these services, and the exceptions of boto3, gspread, google-auth and paramiko.
"""

from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import KnownError as E
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import Library
from osiris_inspect.model.finding import Confidence

_RIGHTS = "the user lacks a permission"
_REGION = "correct its name, and check region and account of the connection"

_SALESFORCE = Library(
    r"\bSalesforce|(?i:salesforce\.com)|\[\{['\"](?:message|errorCode)['\"]: [^\n]{1,2000}['\"]errorCode['\"]",
    r"\b(?:%s)\b[^\n]{0,120}",
    (
        E("rate-limited", "REQUEST_LIMIT_EXCEEDED", "the organisation used up a limit of API requests", "run again later, use the Bulk API, or have the limit raised"),
        E("column-missing", "INVALID_FIELD", "the object has no such field, or the user may not see it", "correct the field name (custom fields end in __c), or give the user access to the field"),
        E("table-missing", "INVALID_TYPE", "the object does not exist, or the user may not see it", "correct the object name (custom objects end in __c), or give the user access to it"),
        E("authentication-failed", "INVALID_SESSION_ID", "the session had expired or was not valid", "log in again, and get a session for each run"),
        E("authentication-failed", "LOGIN_MUST_USE_SECURITY_TOKEN", "a login from this address needs the security token", "append the security token to the password, or trust the address"),
        E("constraint-violated", "REQUIRED_FIELD_MISSING", "a required field had no value", "set the fields that the message names"),
        E("constraint-violated", "DUPLICATE_VALUE|DUPLICATES_DETECTED", "a record with this value exists already", "update the existing record (upsert by an external id), or drop the duplicates"),
        E("constraint-violated", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "a validation rule of the organisation rejected the record", "correct the record as the message says"),
        E("constraint-violated", "INVALID_CROSS_REFERENCE_KEY", "the record references one that does not exist or that the user may not use", "correct the id that the message names"),
        E("lock-conflict", "UNABLE_TO_LOCK_ROW", "another transaction held the record", "run again; write records of one parent in one batch, and fewer batches at once"),
        E("sql-syntax", "MALFORMED_QUERY", "the query was not valid SOQL", "correct the query where the message points"),
        E("value-refused", "STRING_TOO_LONG|NUMBER_OUTSIDE_VALID_RANGE", "a value was too long or too large for its field", "shorten the value in the pipeline"),
        E("value-refused", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "a value is not in the list of values of its field", "use a value of the list, or add it there"),
        E("value-refused", "MALFORMED_ID|INVALID_EMAIL_ADDRESS", "a value does not have the form of its field", "correct the value"),
        E("permission-denied", r"INSUFFICIENT_ACCESS\w{0,40}|API_DISABLED_FOR_ORG", _RIGHTS, "give the user access to the object and the record, and permission to use the API"),
        E("request-refused", "ENTITY_IS_DELETED", "the record had been deleted", "leave the record out, or restore it"),
        E("request-refused", "STORAGE_LIMIT_EXCEEDED", "the organisation has no data storage left", "delete data there, or buy storage"),
        E("query-failed", r"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "a trigger or flow of the organisation failed", "correct the record, or the trigger that the message names"),
        E("network-timeout", "QUERY_TIMEOUT", "the service cancelled the query at its time limit", "filter by indexed fields, or read less at once"),
    ),
)  # fmt: skip
_AMAZON = Library(
    r"\bAn error occurred \(\w|\bbotocore\b|\bboto3\b|\bAWS Error\b|\bPermanentRedirect\b|\bAuthorizationHeaderMalformed\b|\bthe region '[\w\-]{1,40}' is wrong",
    r"(?:%s)[^\n]{0,160}",
    (
        E("table-missing", r"\(ResourceNotFoundException\) when calling the (?:Batch|Create|Delete|Describe|Get|Put|Query|Scan|Transact|Update)\w{0,20}(?:Item|Items|Table|Query|Scan|Backup)\b|\(ResourceNotFoundException\) when calling the (?:Query|Scan) ", "the DynamoDB table does not exist in this region and account", _REGION),
        E("endpoint-missing", r"\((?:ResourceNotFoundException|EntityNotFoundException|NoSuchEntity|ParameterNotFound|StateMachineDoesNotExist|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|ClusterNotFoundException|DBInstanceNotFound|NotFoundException)\) when calling", "the resource does not exist in this region and account", _REGION),
        E("request-refused", r"\(InvalidPart(?:Order)?\) when calling", "a part of the upload was missing or had changed", "upload the object again from the beginning"),
        E("request-refused", r"\((?:EntityTooLarge|RequestEntityTooLarge|PayloadTooLarge|RequestTooLarge)\w{0,20}\) when calling", "the request or the object was too large", "send smaller parts"),
        E("request-refused", r"\(InvalidRange\) when calling", "the requested range lies outside of the object, which may be empty", "check the size of the object"),
        E("config-value-invalid", r"\((?:PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)\) when calling|\(301\) when calling the (?:Head|Get|List)\w{1,30} operation|\b(?:PermanentRedirect|AuthorizationHeaderMalformed)\b|\bthe region '[\w\-]{1,40}' is wrong; expecting '|configured region is '[\w\-]{0,40}' while the bucket is located in", "the bucket is in another region than the connection states", "set the region of the bucket in the connection; the message often names it"),
        E("config-value-invalid", r"\bYou must specify a region\b|\bNoRegionError\b", "no region was set", "set the region in the connection, or the variable AWS_DEFAULT_REGION"),
        E("config-value-invalid", r"\bInvalid bucket name \"|\bInvalidBucketName\b", "the name of the bucket is not valid", "use the name only, without s3:// and without a path"),
        E("endpoint-missing", r"\bInvalid endpoint: ", "the endpoint in the connection is not a valid URL", "write the complete address, beginning with https://"),
        E("constraint-violated", r"\(ConditionalCheckFailedException\) when calling", "the item did not fulfil the condition of the write", "check whether the item exists already or has changed"),
        E("rate-limited", r"\((?:ProvisionedThroughputExceededException|LimitExceededException|ServiceQuotaExceededException)\) when calling", "the account reached a limit of the service", "send less at once, or raise the capacity or the quota"),
        E("request-refused", r"\(ValidationException\) when calling", "the service refused a value of the request", "correct what the message names"),
        E("permission-denied", r"\((?:KMS\.)?(?:DisabledException|KMSInvalidStateException|NotFoundException)\)[^\n]{0,80}(?:KMS|[Kk]ey)", "the encryption key of the data is disabled or missing", "enable the key, or use another"),
    ),
)  # fmt: skip
_GOOGLE = Library(
    r"\bgspread\b|\bAPIError\b|(?i:googleapi)|\bgoogle\.|\bHttpError \d{3}|\b(?:MalformedError|DefaultCredentialsError|RefreshError)\b|bigquery|BigQuery|Not found: (?:Table|Dataset|Project|Model|View) [\w\-]{1,80}[:.]|\bService account info\b|^\d{3} (?:GET|POST) https://",
    r"(?:%s)[^\n]{0,200}",
    (
        E("permission-denied", r"SERVICE_DISABLED|accessNotConfigured|has not been used in project \S{1,60} before or it is disabled", "the API is not enabled in the project", "enable the API in the project of the account"),
        E("permission-denied", r"\[403\]: The caller does not have permission", "the account may not open the document, or may not change it", "share the document with the e-mail address of the service account"),
        E("endpoint-missing", r"\[404\]: Requested entity was not found|\bSpreadsheetNotFound\b", "the document does not exist, or the account may not see it", "correct the key of the document, and share it with the service account"),
        E("config-value-invalid", r"Unable to parse range: (?P<range>[^\n]{1,80})", "the document has no such sheet, or the range is not valid", "correct the name of the sheet and the range; quote a name that contains spaces"),
        E("config-value-invalid", r"\bWorksheetNotFound\b", "the document has no sheet with this name", "correct the name of the sheet"),
        E("request-refused", r"above the limit of \d{1,12} cells", "the workbook would have more cells than allowed", "delete unused cells, or write to another workbook"),
        E("request-refused", r"exceeds grid limits", "the range lies outside of the sheet", "add rows or columns to the sheet first, or correct the range"),
        E("file-format-wrong", r"This operation is not supported for this document", "the document is an Office file, not a Google Sheet", "save it as a Google Sheet, or download and read it as a file"),
        E("config-value-invalid", r"was not in the expected format, missing fields", "the key file is not that of a service account, or it is incomplete", "download the key of the service account again"),
        E("config-value-invalid", r"The file [^\n]{1,200} does not have a valid type\. Type is", "the file is not a file of credentials", "use the key file of a service account, downloaded from the console"),
        E("authentication-failed", r"Invalid JWT Signature|[Ii]nvalid[ _]grant: account not found", "the key or the account of the key file no longer exists", "create a new key for the service account"),
        E("permission-denied", r"\bunauthorized_client\b|\binvalid_scope\b", "the account may not ask for this access", "correct the scopes, or allow them to the account in the console of the domain"),
        E("table-missing", r"Not found: (?:Table|Dataset|Project|Model|View) ", "the table or dataset does not exist in this location", "correct its name as project.dataset.table, and the location of the query"),
        E("column-missing", r"Unrecognized name: |No such field: ", "the query or the table has no column of this name", "correct the column name"),
        E("value-refused", r"Provided Schema does not match Table ", "the data has other columns or types than the table", "convert the columns, or allow the table to get new ones"),
        E("permission-denied", r"[Bb]illing has not been enabled|billingNotEnabled", "the project has no billing account", "enable billing for the project"),
        E("request-refused", r"Query exceeded limit for bytes billed", "the query would read more than its limit allows", "read fewer columns or partitions, or raise maximum_bytes_billed"),
        E("query-failed", r"No matching signature for (?:operator|function)", "the types of the arguments do not fit together", "cast the values to the types that the message names"),
        E("sql-syntax", r"\bSyntax error: [^\n]{1,80} at \[\d", "the query was not valid SQL", "correct the query where the message points"),
    ),
)  # fmt: skip
_AZURE = Library(
    r"\bAADSTS\d{5,8}\b|(?i:\bazure)|\.core\.windows\.net|\bErrorCode:\w",
    r"\b(?:%s)\b[^\n]{0,160}",
    (
        E("authentication-failed", "AADSTS7000215", "the secret of the application is wrong", "use the value of the secret, not its id"),
        E("authentication-failed", "AADSTS7000222", "the secret of the application has expired", "create a new secret and put it into the connection"),
        E("authentication-failed", "AADSTS700016|AADSTS90002", "the tenant or the application in it does not exist", "correct the ids of tenant and client in the connection"),
        E("authentication-failed", "AADSTS50126|AADSTS50034", "user or password were not accepted", "correct user and password of the connection"),
        E("authentication-failed", "AADSTS5007[69]", "the account needs a second factor, which a pipeline cannot give", "use an application with a secret or a certificate"),
        E("permission-denied", "AADSTS65001|AADSTS500011", "the application has no consent for this access", "have an administrator grant the consent"),
        E("authentication-failed", r"Signature not valid in the specified time frame", "the shared access signature had expired or was not valid yet", "create a new signature, and check the clock"),
        E("authentication-failed", r"Signature did not match", "the key of the storage account is wrong", "use a current key of this account"),
        E("permission-denied", r"AuthorizationFailure|PublicAccessNotPermitted|KeyBasedAuthenticationNotPermitted", "the storage account does not allow this access: its network rules or its kinds of login", "allow the address of the step, or use a login that the account accepts"),
        E("file-missing", "ResourceNotFound|FilesystemNotFound|PathNotFound", "the container, file system or object does not exist", "correct the names of container and object"),
        E("request-refused", "BlobAlreadyExists|ResourceExistsError", "the object exists already", "allow the upload to overwrite it, or use another name"),
        E("lock-conflict", "LeaseIdMissing|LeaseAlreadyPresent", "another client holds a lease on the object", "run again when the lease has ended"),
    ),
)  # fmt: skip
_WEB = Library(
    "",
    r"['\"]?\b(?:error|code|errorCode|category|type|status)['\"]?: ?['\"](?:%s)['\"]",
    (
        E("authentication-failed", "invalid_auth|not_authed|invalid_token|token_expired|token_revoked|account_inactive|invalid_api_key|INVALID_AUTHENTICATION|EXPIRED_AUTHENTICATION", "the service did not accept the token or key", "renew the token or key of the connection"),
        E("authentication-failed", "invalid_client", "the service did not accept the id or secret of the client", "correct client id and secret of the connection"),
        E("permission-denied", "missing_scope|insufficient_scope|MISSING_SCOPES|unauthorized_client|invalid_scope", "the token or the client lacks a scope", "give it the scope that the response names, and get a new token"),
        E("endpoint-missing", "channel_not_found|object_not_found|resource_missing|OBJECT_NOT_FOUND|model_not_found|not_in_channel", "the service has no such object, or the token may not see it", "correct the id or name, and give the account access to it"),
        E("request-refused", "context_length_exceeded", "the text was longer than the model accepts", "send less text at once"),
        E("rate-limited", "insufficient_quota", "the account has used up its quota", "check plan and billing of the account"),
    ),
)  # fmt: skip
_GRPC = Library(
    r"\bStatusCode\.|\bgrpc\b",
    r"\bStatusCode\.(?:%s)\b[^\n]{0,120}",
    (
        E("network-timeout", "DEADLINE_EXCEEDED", "the service did not answer within the time limit of the client", "raise the limit, or ask for less at once"),
        E("permission-denied", "PERMISSION_DENIED", _RIGHTS, "grant the permission that the message names"),
        E("endpoint-missing", "NOT_FOUND", "the service has no such object", "correct the name in the request"),
        E("endpoint-missing", "UNIMPLEMENTED", "the service does not have this method", "correct the address, or use the version of the client that fits the service"),
        E("request-refused", "INVALID_ARGUMENT", "the service refused a value of the request", "correct what the message names"),
    ),
)  # fmt: skip
_ELASTIC = Library(
    r"(?i:elasticsearch|opensearch)|\b\w{3,40}_exception\b",
    r"\b(?:%s)[^\n]{0,160}",
    (
        E("table-missing", "index_not_found_exception", "the index does not exist", "correct the name of the index, or create it"),
        E("value-refused", r"(?:mapper|document)_parsing_exception|strict_dynamic_mapping_exception", "a field of a document does not fit the mapping of the index", "convert the field that the message names, or change the mapping"),
        E("lock-conflict", "version_conflict_engine_exception", "the document exists already, or another process changed it", "read it again before the write, or write with an upsert"),
        E("out-of-memory", "circuit_breaking_exception", "the request needed more memory than the cluster allows", "send smaller requests"),
        E("disk-full", "flood-stage watermark", "the disk of the cluster was almost full, and the index became read-only", "free disk space there, then allow writes to the index again"),
        E("rate-limited", "es_rejected_execution_exception", "the queue of the cluster was full", "send fewer requests at once"),
    ),
)  # fmt: skip
_KAFKA = Library(
    r"(?i:kafka)|\bNoBrokersAvailable\b",
    r"\b(?:%s)[^\n]{0,120}",
    (
        E("connection-refused", "NoBrokersAvailable|_ALL_BROKERS_DOWN", "no broker accepted a connection", "correct bootstrap servers and security protocol of the connection"),
        E("table-missing", "UNKNOWN_TOPIC_OR_PART(?:ITION)?|UnknownTopicOrPartition", "the topic does not exist", "correct the name of the topic, or create it"),
        E("permission-denied", r"(?:TOPIC|GROUP|CLUSTER)_AUTHORIZATION_FAILED", "the account may not use the topic or the group", "allow it by an ACL"),
        E("request-refused", "MSG_SIZE_TOO_LARGE|MessageSizeTooLarge", "a message was larger than the broker allows", "send smaller messages, or raise max.message.bytes"),
    ),
)  # fmt: skip
_SSH = Library(
    r"\bparamiko\b|\bSSH|\bssh\b|\bsftp\b|\bSFTP|known_hosts|\b(?:BadAuthenticationType|PasswordRequiredException|BadHostKeyException|NoValidConnectionsError)\b|[Pp]rivate key file|Bad authentication type",
    r"(?:%s)[^\n]{0,160}",
    (
        E("authentication-failed", r"Bad authentication type; allowed types: ", "the server does not accept this method of login, only those in the message", "use one of these methods, such as a private key in place of a password"),
        E("authentication-failed", r"[Pp]rivate key file is encrypted", "the private key has a passphrase, and none was given", "set the passphrase of the key in the connection"),
        E("authentication-failed", r"\bNo authentication methods available", "neither a password nor a key was given", "set one of them in the connection"),
        E("config-value-invalid", r"not a valid \w{2,20} private key file|encountered \w{2,20} key, expected \w{2,20} key|unpack requires a buffer of 4 bytes", "the file is not a private key of the expected kind", "use the private key (not .pub), in the OpenSSH or PEM format, and the class for its kind"),
        E("library-error", r"\bnot found in known_hosts\b", "the host key of the server is not known where the step ran", "compare its fingerprint with that of the server, then add it to known_hosts"),
        E("library-error", r"[Hh]ost key for server [^\n]{1,120} does not match|\bBadHostKeyException\b", "the server has another host key than before", "find out whether the server was replaced; only then correct known_hosts"),
        E("library-error", r"Error reading SSH protocol banner", "no SSH greeting was received: the port belongs to another service, or the server was overloaded", "correct host and port, then run again", Confidence.MEDIUM),
        E("connection-refused", r"Unable to connect to port \d{1,5} on ", "no address of the server accepted a connection at this port", "correct host and port, and check that the server runs and that no firewall lies between"),
        E("library-error", r"Incompatible ssh (?:peer|server)|[Nn]o acceptable (?:kex|ciphers|host key|macs)", "client and server have no encryption method in common", "update the older one of the two"),
        E("authentication-failed", r"\bNo existing session\b", "the server ended the login; it often received too many keys", "give one key, and set allow_agent and look_for_keys to False", Confidence.MEDIUM),
        E("library-error", r"Garbage packet received", "the server sends text before the file transfer starts", "remove output from the login scripts of the account"),
        E("connection-lost", r"Server connection dropped|\bSocket is closed\b|\bSSH session not active\b", "the connection was ended", "look in the log of the server, then connect again; some work may have been done"),
    ),
)  # fmt: skip
SERVICES = (_SALESFORCE, _AMAZON, _GOOGLE, _AZURE, _WEB, _GRPC, _ELASTIC, _KAFKA, _SSH)
