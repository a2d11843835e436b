"""Causes that a diagnosis may claim, each as the words in which people state it.

The answer to an error text lists the claims that are true of it; a diagnosis that makes another one is wrong.
"""

from collections.abc import Mapping

_GONE = r"(was|were|is|are) (not (found|there)|missing|absent|unknown)|(do|does|did) ?n[o']t exist|could not be found"
_NOT_ALLOWED = (
    r"(lacks?|lacked|without|missing|no|insufficient) (the )?(permissions?|privileges?|rights?|grants?)"
)

CLAIMS: Mapping[str, str] = {
    "timeout": r"(did|does|do|has|have) ?n[o']t (answer|respond|repl|react)|never (answered|responded|replied)"
    r"|no (answer|response|reply) (came |arrived )?(in time|within)|timed[ -]out|time-?out (passed|expired|elapsed)"
    r"|(took|needs|needed|ran|runs) (too|so) long|(was|is) too slow",
    "limit": r"(its|their|own|the server's|the database's) time limit|statement[ _]time-?out|(cancelled|canceled|stopped) it",
    "refused": r"(did|does) ?n[o']t accept (the |any )?connections?|refused (the |a |to )?connect|connections? (was |were |is )?refused"
    r"|(nothing|no (server|service|process)) (listens|listened|is listening|was listening)",
    "unresolved": r"host ?name .{0,40}(could|can|did|does) ?not (be )?resolved?|name .{0,20}(could|can) ?not be resolved"
    r"|unknown host|(no such|not a known) host|DNS (look-?up )?failed|host .{0,40}was not found",
    "unreachable": r"unreachable|no route|(could|can) ?not be reached",
    "login": r"(credentials?|password|user name|log-?in|api key|key|token) (was |were |is |are )?"
    r"(rejected|refused|denied|wrong|incorrect|invalid|not accepted|expired)"
    r"|(wrong|incorrect|invalid|bad|expired) (password|user ?name|credentials?|log-?in|api key|token)"
    r"|(rejected|refused|denied) the (credentials?|password|log-?in|api key|key|token)|authentication failed",
    "permission": rf"(access|permission) (was |is |were )?denied|{_NOT_ALLOWED}|(may|is|was|are) not (allowed|permitted|authori[sz]ed)"
    r"|may not (read|write|access|use|create)|not authori[sz]ed",
    "disk": r"(disk|volume|device|file ?system) (is|was|became|ran) full|no (more )?(disk )?space|out of (disk )?space",
    "memory": r"out of memory|(ran|not|without) enough memory|memory (was |is )?(exhausted|full|used up)|memory ran out",
    "table": rf"(table|relation|view)s? .{{0,80}}({_GONE})|(?<!as a )(missing|unknown) (table|relation|view)|no such (table|relation|view)",
    "column": rf"\bcolumn\b.{{0,80}}({_GONE})|(missing|unknown|no such) column",
    "database": rf"(database|schema) .{{0,60}}({_GONE})|(missing|unknown|no such) (database|schema)",
    "file": rf"\b(file|directory|folder)\b.{{0,80}}({_GONE})|no such (file|directory|folder)|missing (file|directory|folder)",
    "package": r"(package|extension|module|librar\w+)\b.{0,30} (was|were|is|are) (missing|not (installed|there|found))|not installed",
    "misfit": r"(package|version|librar|driver|worker).{0,60}(incompatible|(do|does|did) ?n[o']t (fit|go together))",
    "encoding": r"wrong (character )?encoding|encoding (is|was) (wrong|not|another)|is not (valid )?UTF-?8",
    "spill": r"\bspill(ed|s)\b|\bspill(ed)? (file|frame|data)",
    "duplicate": r"duplicate (key|row|value|entr)|same (primary |unique )?key|already (exist|there|stored|present)",
    "parent": r"(referenced?|parent) (rows?|keys?) .{0,30}(missing|not (exist|there|found))|referenc\w+ (missing|non-existent) rows?",
    "lost": r"connection .{0,20}(was|is|were) (closed|lost|ended|dropped|cut|reset|broken|aborted)"
    r"|(closed|ended|dropped|lost|reset|aborted|cut) the connection",
    "ratelimit": r"rate[- ]limit|too many requests",
    "sandbox": r"sandbox (itself )?((has|had|was|is) )?(ended|lost|gone|no longer|died|expired)",
    "worker": r"worker( process)? .{0,10}(ended|killed|died|gone|crashed|exited)",
    "lock": r"(held|holds|kept|keeps|has|had) (a|the) lock|locked by|deadlock|lock (was|is) held",
    "function": rf"function .{{0,40}}({_GONE})|(missing|unknown|no such) function|function that does not exist",
    "syntax": r"(not|in)[ -]?valid SQL|syntax error|wrong SQL syntax|SQL (could|can) ?not be parsed",
    "internal": r"internal (server )?error|(bug|defect) (in|of) the (server|service|database)",
    "invalid": r"request (as|was|is) (invalid|malformed|bad)|(invalid|malformed|bad) request",
    "tls": r"encrypted connection|(\bTLS\b|\bSSL\b|certificate).{0,40}(failed|fails|invalid|not (valid|trusted|verified|accepted)|rejected|expired)",
    "json": r"JSON (cannot|can ?not|could not|has no)|(cannot|could not|not) be (written|stored|serialis\w+|serializ\w+) .{0,10}JSON",
    "slots": r"no (free|more) connections?|too many (connections|clients)|connections? (limit|slots?)",
    "proxy": r"\bproxy\b",
    "pipeline": r"pipeline( file)? (could|can) ?not be (read|parsed)|pipeline( file)? (is|was) (invalid|not valid|malformed)",
    "ragged": r"(different|other|wrong|varying) numbers? of fields|(too (many|few)|more|fewer) fields|ragged",
    "unwritable": r"(could|can) ?not be written|not writable|read-only",
    "query": r"(database|server) (rejected|refused) the (query|statement)",
}
