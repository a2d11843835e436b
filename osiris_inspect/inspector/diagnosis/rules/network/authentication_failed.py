"""A database or service rejected the credentials.

What it finds:
    An error in which a server reports a wrong user, password or key.

Why it matters:
    Downstream steps cannot work either, and retries only lock the account.

How to fix:
    Correct the connection or the environment variable it reads. A password with `@`, `:` or `/` must be
    escaped in a URL.

Example:
    `(1045, "Access denied for user 'reader'@'localhost' (using password: YES)")`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.configuration.login import is_unverified
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.evidence.library_errors.docker import docker_fix
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors", "text logs")
REFINES = ("connection-refused", "request-refused", "connection-failed")
_EXPIRED = LazyRegex(r"(?i:expired|reset your password)|\b(?:1820|1862|ORA-28001)\b")
_BLOCKED = LazyRegex(r"is blocked (?:for|because)|\b(?:3955|4150)\b")
_TIME = LazyRegex(r"short-lived token|iat and exp")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return where the credentials come from: a connection of the step, or the login of a Docker daemon."""
    of_connection = (
        "check the user, the password or key of the connection and the environment variable that it reads"
    )
    return docker_fix(text.text) or of_connection


def _account_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return what to do about an account that the server knows and does not let in."""
    if _EXPIRED.search(text.text):
        return "set a new password for the account, then in the connection"
    if _BLOCKED.search(text.text):
        return "unlock the account on the server, and correct the password with which earlier logins failed"
    if "not permitted to log in" in text.text:
        return "allow the role to log in (ALTER ROLE ... LOGIN), or use another user in the connection"
    return "unlock the account on the server, with ALTER USER ... ACCOUNT UNLOCK; the connection itself may be correct"


def _is_about_time(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if the service rejected the times in a token, not the key that signed it."""
    return _TIME.search(text.text) is not None


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:unable to locate credentials)|\bNoCredentialsError\b[^\n]{0,100}"
            r"|default credentials were not found[^\n]{0,60}|(?i:could not automatically determine credentials)[^\n]{0,60}"
            r"|(?i:config profile \([^)\n]{1,80}\) could not be found)"
            r"|(?:supabase_key|api_key) is required|(?i:no api[ _-]?key found)|(?i:no credentials (?:were )?(?:provided|found|supplied))"
            r"|(?i:\bmissing (?:the )?(?:authorization|authentication|x-api-key|api[ -]?key|bearer token|access token)\b)"
            r"|(?i:\b(?:authorization header|api[ -]?key|access token) (?:is |was )?(?:missing|required|not (?:present|provided|found|sent)))"
        ),
        message="no credentials were given",
        fix="set the key or the credentials of the connection, or the environment variable or profile that it reads",
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"(?i:illegal header value) [^\n]{1,80}|\bInvalidHeader\b[^\n]{0,160}|Invalid header value [^\n]{1,80}",
        message="a header was invalid; a key that is empty or contains a line break is the usual reason",
        fix="remove spaces and line breaks from the key in the environment variable that the connection reads",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"\b(?:InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|InvalidClientTokenId"
            r"|UnrecognizedClientException|ExpiredTokenException|AuthFailure|invalid_grant|InvalidAuthenticationInfo)\b[^\n]{0,160}"
        ),
        unless=_is_about_time,
        message="the service rejected the access key, its signature or its token",
        fix="renew the access key or token of the connection; check that key and secret belong together",
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"(?i:legacy api keys are disabled)|[Ll]egacy API keys \([^)\n]{1,60}\) were disabled[^\n]{0,40}",
        message="the project no longer accepts its legacy keys (anon, service_role)",
        fix="use a publishable or secret key of the new kind in the connection",
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=(
            r"Client does not support authentication protocol[^\n]{0,100}"
            r"|Authentication plugin '[^'\n]{1,80}'[^\n]{1,100}"
            r"|The server requested authentication method unknown[^\n]{0,80}"
            r"|(?:SCRAM|sha256_password|caching_sha2_password) authentication (?:requires|is not)[^\n]{1,100}"
            r"|Authentication requires secure connection[^\n]{0,60}"
            r"|authentication method \d{1,3} not supported"
        ),
        message="the client library does not support the authentication method of the account",
        fix="upgrade the client library or change the authentication method of the account",
        domain="infra",
        search_text_logs=True,
        error_class="authentication method",
    ),
    ErrorPattern(
        pattern=r"\b(?i:account is (?:currently )?locked)\b|role \"[^\"\n]{1,80}\" is not permitted to log in|Account is blocked for \d{1,5} day[^\n]{0,120}|User is blocked because of too many credential errors|\bORA-2800[01]\b[^\n]{0,60}|(?i:your password has expired)|must reset your password",
        message="the account may not log in: it was locked, or its password had expired",
        fix=_account_fix,
        domain="config",
        search_text_logs=True,
        error_class="locked account",
    ),
    ErrorPattern(
        pattern=(
            r"Access denied for user '[^']{0,80}'@'[^']{0,80}' \(using password: NO\)"
            r"|no password supplied|empty password returned by client"
        ),
        message="the server rejected the login, and no password was sent",
        fix="set the password of the connection, or the environment variable that it reads",
        domain="config",
        error_class="no password",
    ),
    ErrorPattern(
        pattern=(
            r"\bJWT issued at future\b|Token must be a short-lived token[^\n]{0,160}|Check your iat and exp values[^\n]{0,40}"
            r"|(?i:(?:token|assertion|jwt) (?:is )?(?:used too early|not yet valid|issued in the future))[^\n]{0,120}"
        ),
        message="the service did not accept the times in the token; the usual reason is a wrong clock",
        fix="set the clock of the machine where the step ran",
        domain="infra",
        error_class="token time",
    ),
    ErrorPattern(
        pattern=(
            r"(?P<who>Access denied for user '[^']{0,80}'@'[^']{0,80}')(?! to database| \(using password: NO)"
            r"|password authentication failed for user \"?[^\"\s]{0,80}"
            r"|FATAL: {1,4}role \"[^\"\n]{1,80}\" does not exist"
            r"|(?i:(?<!peer )(?<!ident )authentication failed)"
            r"|(?i:\bunauthenticated\b|must be authenticated)"
            r"|(?i:(?:invalid|wrong) api[ _-]?key(?! \())"
            r"|(?i:invalid (?:authentication )?credentials|login failed for user|login incorrect)"
            r"|(?i:incorrect username or password|invalid username/password|invalid login credentials)"
        ),
        message="the credentials were rejected",
        unless=is_unverified,
        fix=_fix,
        domain="config",
        search_text_logs=True,
        error_class="credentials",
    ),
    ErrorPattern(
        pattern=r"(?i:(?:peer|ident) authentication failed for user)[^\n]{0,80}",
        message="the server compared the user with that of the operating system, not with a password",
        fix="connect over TCP (host 127.0.0.1) or change the method in pg_hba.conf",
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"\b(?:JWT (?:expired|invalid)|JWSError|JWSInvalidSignature|invalid JWT|No suitable key)\b[^\n]{0,60}",
        message="the service rejected the key or token",
        fix="renew the key or token of the connection and check that it belongs to this project",
        domain="config",
        search_text_logs=True,
        error_class="token",
    ),
    ErrorPattern(
        pattern=r"(?i:tenant or user not found)",
        message="the connection pooler did not find the project or user",
        fix="use postgres.<project> as user and the pooler host of the project's region; restore the project in its dashboard if it is paused",
        domain="config",
        search_text_logs=True,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with a status of this kind."""
    yield from status_findings(run, "authentication-failed")
