"""Shapes of secrets: a pattern each, with the words of which a text must have one and what replaces a match.

Every repetition is bounded, so that the time is linear in the text.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

MASK: Final = "***"
_LIKELY: Final = r"(?!\*\*\*)(?=[^\s&;,'\"]{0,80}\d)(?=[^\s&;,'\"]{0,80}[A-Za-z])[^\s&;,'\"\\$(){}<>]{6,400}"
"""An unquoted value with letters and digits, so that ``password: YES`` and prose are not masked."""
_MIXED: Final = r"(?=[A-Za-z_\-]{0,60}\d)[A-Za-z0-9_\-]"
_PARAMETER: Final = (
    r"(?:[?&#]|\\u0026|&amp;)(?!(?:foreign|group|partition|primary|sort)[_\-]?key=)"
    r"(?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|authorization|authkey|auth|hmac|jwt|delegation"
    r"|passphrase|password|passwd|pass|pwd|signature|sig|(?:[a-z]{1,20}[_\-])?(?:access|api|auth|client)?[_\-]?(?:key|secret|token))"
)
"""The name of a parameter in a URL whose value is a secret, also where ``&`` is escaped."""
_NO_PLACEHOLDER: Final = r"(?!\*\*\*|[{<]|\$\{|%[s(])"
_NO_PORT: Final = r"(?!\d{1,5}(?:[/,?#'\"]|\s|\Z))"
_NO_REFERENCE: Final = r"(?!(?:[$%]?[{(]{1,2} ?[\w.\-]{1,60} ?[)}]{1,2}s?|<[\w -]{1,40}>|\*{3,20})@)"
"""Not a variable or a word in brackets before the host."""
_RANDOM: Final = (
    r"(?=(?:[^\s'\"]{0,60}?\d[A-Za-z]){2}|(?:[^\s'\"]{0,40}?(?-i:[a-z][A-Z])){4})[^\s'\",;&<>(){}\[\]\\]"
)
"""A character of a value that changes from digits to letters twice, or from small to capital letters four times, as names do not."""
_TYPED: Final = r"(?!\*\*\*|[<{$]|%[s(])[^\s'\"<>]"
"""A character of a value that a person may have typed."""
_ENDING: Final = r"(?:password|passwd|passphrase|pwd|secret|token|(?:api|access|account|auth|private|secret|shared|storage|write)[_\-.]?key)"
"""The end of a name of a secret."""
_QUOTED_NAME: Final = rf"[\w.\-]{{0,60}}{_ENDING}"
_NO_VALUES: Final = r"(?:empty|false|hidden|missing|n/?a|no|none|not|null|on|off|optional|redacted|required|set|str|string|true|unset|x{3,}|yes)\b"
"""Words that stand where a value is not shown."""
_SHELLS: Final = r"az|beeline|docker|impala-shell|ldap\w{0,12}|mongo\w{0,10}|nerdctl|podman|redis-cli|skopeo|snowsql|sqlcmd|bcp|sshpass|unzip|vsql|zip"
"""Programs with a short option for a password."""
_SESSIONS: Final = r"\.aspxauth|asp\.net_sessionid|connect\.sid|jsessionid|laravel_session|mysapsso2|phpsessid|sessionid|session_token|xsrf-token|csrf_?token"
"""Cookies and fields that contain the id of a session."""
_KINDS: Final = r"access|account|api|auth|encryption|function|hmac|licen[cs]e|master|private|refresh|root|secret|session|shared|signing|storage|unseal|webhook"
"""Words before "key" and "token" in a sentence."""
_PREFIXES: Final = (
    r"sb_secret_|[sr]k_(?:live|test)_|whsec_|github_pat_|xox[abeoprs]-|xapp-|gl(?:pat|dt|rt|ptt|soat)-|do[opr]_v1_"
    r"|shp(?:at|ca|pa|ss)_|dckr_pat_|lin_api_|gl(?:sa|c)_|figd_|hv[bs]\.|GOCSPX-|PMAK-|sntrys_|pscale_(?:tkn|pw)_|ATATT3"
    r"|pat-(?:na|eu)\d-|ya29\.|AVNS_|CFPAT-|gsk_|lsv2_(?:pt|sk)_|NRAK-|ntn_|nvapi-|pplx-|sbp_|tskey-[a-z]{1,10}-|tvly-|xai-|xkeysib-"
)
"""Prefixes of the tokens of well-known services."""
_TOKENS: Final = (
    ("eyj", r"eyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{4,2000}\.[A-Za-z0-9_\-]*"),
    ("akia asia", r"(?:AKIA|ASIA(?=[A-Z]{0,15}[2-7]))[A-Z2-7]{16}\b"),
    ("aiza", r"AIza[A-Za-z0-9_\-]{35}"),
    (
        "secret k_live_ k_test_ whsec_ github_pat_ xox xapp- glpat- gldt- glrt- glptt- glsoat- _v1_ shp dckr_pat_ lin_api_ glsa_ glc_ figd_ hvs. hvb. gocspx-"
        " pmak- sntrys_ pscale_ atatt3 pat-na pat-eu ya29. avns_ cfpat- gsk_ lsv2_ nrak- ntn_ nvapi- pplx- sbp_ tvly- xai- key",
        rf"(?:{_PREFIXES}){_MIXED}{{10,400}}",
    ),
    (
        "e2b_ ghp_ gho_ ghu_ ghs_ ghr_ npm_ pypi- rubygems_ r8_ nfp_",
        r"(?:e2b_(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{12,400}|(?:gh[pousr]_|npm_|pypi-|rubygems_|r8_|nfp_)(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{16,400})",
    ),
    (
        "sk- hf_ dapi sg.",
        r"(?:sk-(?=[A-Za-z_\-]{0,60}\d)[A-Za-z0-9_\-]{20,400}|hf_[A-Za-z0-9]{30,100}|dapi(?!0123456789abcdef)[0-9a-f]{32}|SG\.[\w\-]{16,40}\.[\w\-]{20,80})",
    ),
    ("1//0", r"1//0(?=[A-Za-z_\-]{0,60}\d)[\w\-]{30,400}"),
    ("secret", r"AGE-SECRET-KEY-1[A-Z0-9]{50,60}"),
    ("key", r"key-[0-9a-f]{32}\b"),
    ("nral", r"[0-9a-f]{32,36}NRAL\b"),
    ("q~", r"[\w~.]{3}\dQ~[\w~.\-]{31,40}"),
    ("airtable", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("token", r"sl\.[\w\-]{60,400}"),
    ("token", r"EAA(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{60,400}"),
    ("auth bearer sessionid token", r"00D[A-Za-z0-9]{12,15}![\w.]{40,400}"),
)
"""Tokens that are known by themselves: the words of which a text has one, and the pattern."""
_NAMES: Final = ("pass", "pwd", "secret", "token", "key")
_SESSION_WORDS: Final = ("token", "sessid", "sessionid", ".sid", "_session", "sso2", "srf", "aspxauth")
_OTHER_WORDS: Final = (
    "pw=",
    "pw:",
    "pw'",
    'pw"',
    "pw ",
    "jwt",
    "creds",
    "connection_string",
    "connectionstring",
    "crypt",
)
"""Words of names and calls that other patterns than these need."""
_SHAPES: Final[tuple[tuple[tuple[str, ...], str, str], ...]] = (
    # commands: the words of a list, and the short options of programs
    (
        _NAMES,
        rf"(?i)(--?[\w\-]{{0,40}}{_ENDING}(['\"]),\s?\2){_TYPED}{{1,400}}(?=\2)",
        r"\1***",
    ),
    # a name and a value as two texts: ('ssl.password', 'X'), .option("password", "X"), s3.secret-key, X
    (
        _NAMES,
        rf"(?i)([('\"\[.]{_QUOTED_NAME}(['\"]),\s?\2)(?=[^'\"\n]{{0,80}}(?:[\d!#$%^&*+~@]|(?-i:[a-z][A-Z]))){_TYPED}{{4,400}}(?=\2)",
        r"\1***",
    ),
    (
        _NAMES,
        rf"((['\"])[A-Z][A-Z0-9_]{{0,60}}(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN)\2,\s?\2)(?!(?i:{_NO_VALUES})){_TYPED}{{3,400}}(?=\2(?!\s?:))",
        r"\1***",
    ),
    (
        ("key, ", "secret, ", "token, ", "password, "),
        rf"(?i)((?<=[.\-_]){_ENDING}, ){_RANDOM}{{16,400}}",
        r"\1***",
    ),
    (
        ("login(", "login ("),
        rf"(\.login\s?\(\s?(?:\w{{1,20}}=)?['\"][^'\"\n]{{1,100}}['\"],\s?(?:\w{{1,20}}=)?['\"]){_TYPED}[^'\"\n]{{0,200}}",
        r"\1***",
    ),
    (
        (" -p ", " -w ", " -a "),
        rf"((?:(?i:\b(?:{_SHELLS}))\s(?:[^\n]{{0,300}}?\s)?|\s-u\s[^\n]{{1,100}}?\s)-[pPwa][ \t]{{1,3}}['\"]?)(?=[^\s'\"]{{0,80}}[A-Za-z])(?![./\-]){_TYPED}{{4,200}}",
        r"\1***",
    ),
    (
        (" -u ", " --user ", "--user=", "--proxy-user", " -a ", "--auth"),
        rf"(\b(?:curl|lftp|wget|https?)\s(?:[^\n]{{0,300}}?\s)?(?:-[uUa]|--user|--proxy-user|--auth)[\s=]['\"]?[^\s:,'\"]{{1,100}}[:,]){_TYPED}{{1,200}}",
        r"\1***",
    ),
    (
        (" -u ", " --user ", "--user=", " -a "),
        rf"(\b(?:curl|https?)\s(?:[^\n]{{0,300}}?\s)?(?:-[uUa]|--user)[\s=]['\"]?){_RANDOM}{{16,400}}?(?=:['\"\s])",
        r"\1***",
    ),
    (
        ("alias set",),
        rf"(\bmc\s(?:[^\n]{{0,100}}\s)?alias set\s\S{{1,100}}\shttps?://\S{{1,200}}\s\S{{1,100}}\s){_TYPED}{{4,200}}",
        r"\1***",
    ),
    # names with a separate value: "config set db.password X", "setting secret NAME to X", "Signing key: X"
    (
        _NAMES,
        rf"(?i)((?<=[_.\-]){_ENDING}\s{{1,9}}(?:to\s)?)(?-i:(?=[^\s'\"]{{0,60}}[a-z])(?=[^\s'\"]{{0,60}}[A-Z]))(?=[^\s'\"]{{0,60}}\d)"
        r"[^\s'\",;&<>(){}\[\]\\]{6,400}(?=[\s'\"]|\Z)",
        r"\1***",
    ),
    (
        ("secret", "pass", "token"),
        rf"(?i)(\bset(?:ting)?\s(?:secret|password|token)\s(?:for\s)?\S{{1,80}}\s(?:to|=)\s['\"]?)(?!(?i:password)\()(?=\S{{0,80}}\d){_TYPED}{{6,400}}",
        r"\1***",
    ),
    (
        ("key", "token"),
        rf"(?i)(\b(?:{_KINDS})[\s\-](?:key|token)(?:\s\d)?['\"]?\s{{0,2}}(?:[:=]|is:?)\s{{0,9}}['\"]?){_RANDOM}{{20,400}}",
        r"\1***",
    ),
    (
        ("token", "secret", "key"),
        rf"(?i)((?<!unexpected )(?<!unknown )(?:token|secret|api_?key)\s{{1,3}}(?:is:\s{{0,3}})?['\"]?){_RANDOM}{{20,400}}",
        r"\1***",
    ),
    (
        ("pass", "otp", "pin:", "pin="),
        r"(\b(?:(?i:passcode|otp)|PIN)\s?[:=]\s?['\"]?)\d{4,8}\b",
        r"\1***",
    ),
    # files of passwords: .pgpass, kubeconfig, config.json of Docker
    (
        (":*:", ":5432:"),
        rf"((?<![\w./])[\w.*\-]{{1,100}}:(?:\d{{2,5}}|\*):[\w*\-]{{1,64}}:[\w*\-.]{{1,64}}:){_TYPED}{{3,200}}",
        r"\1***",
    ),
    (
        ("key",),
        r"(\bclient-key-data['\"]?\s?:\s{0,3}['\"]?)[A-Za-z0-9+/]{16,20000}={0,2}",
        r"\1***",
    ),
    (
        ("auth", "user.info"),
        r"(?i)(['\"](?:auth|identitytoken)['\"]\s?:\s?['\"])(?=[A-Za-z+/]{0,60}[\d=])[A-Za-z0-9+/]{8,2000}={0,2}(?=['\"])"
        rf"|(\buser\.info['\"]?\s?[=:]\s?['\"]?[^\s:'\"]{{1,100}}:){_TYPED}{{4,400}}",
        r"\1\2***",
    ),
    # lines of YAML and of dumps of the environment
    (
        _NAMES,
        rf"(?m)^([ \t]{{0,40}}(?:- )?[A-Z][A-Z0-9_]{{0,60}}(?:PASSWORD|PASSWD|_PASS|PWD|SECRET|TOKEN):[ \t]{{1,9}}['\"]?)(?!(?i:{_NO_VALUES}))(?![./(\[]){_TYPED}{{3,400}}$",
        r"\1***",
    ),
    (
        ("pass", "pwd", "secret"),
        rf"(?im)^([ \t\d|>]{{2,40}}(?:- )?['\"]?[\w.\-]{{0,60}}(?:password|passwd|pwd|passphrase|secret)['\"]?:[ \t]{{1,9}})(?=\S{{0,80}}[\d!#$%&*+@^~])(?![./(\[\d]){_TYPED}{{4,400}}$",
        r"\1***",
    ),
    (
        ("pass", "secret"),
        rf"(?im)(^\[[\w.:\-\" ]{{1,60}}\][ \t]{{0,9}}\n(?:[^\n]{{0,200}}\n){{0,20}}?[ \t]{{0,9}}[\w.\-]{{0,60}}(?:password|passwd|passphrase|secret)[ \t]{{0,9}}=[ \t]{{1,9}})"
        rf"(?!{_NO_VALUES})(?![/\[(]){_TYPED}{{3,400}}$",
        r"\1***",
    ),
    (
        _NAMES,
        rf"(?im)^([\w.\-]{{0,60}}(?:password|passwd|passphrase|secret|token|api_key|access_key)[ \t]{{2,60}})(?=\S{{0,80}}\d)(?=\S{{0,80}}[A-Za-z])"
        rf"(?!u?int|float|n?varchar|char|bool|utf|date|time|num|dec|\d{{1,12}}\b){_TYPED}{{4,400}}$",
        r"\1***",
    ),
    (
        ("password",),
        r"(?i)(\bpassword\b[^\n:]{0,60}:[ \t]{0,9}\n\s{0,9})(?=[^\s]{0,80}\d)[^\s:]{8,200}(?=[ \t]{0,9}(?:\n|\Z))",
        r"\1***",
    ),
    # commands of protocols and programs
    (
        ("pass",),
        rf"(?i)((?<=\s)-\w{{0,20}}(?:storepass|keypass)\s{{1,3}}['\"]?|(?<=\s)-pass(?:in|out)?\s{{1,3}}pass:){_TYPED}{{3,200}}",
        r"\1***",
    ),
    (
        (" -p",),
        rf"(\b(?:sqlcmd|bcp|[io]sql)\s(?:[^\n]{{0,300}}?\s)?-P){_TYPED}{{3,200}}",
        r"\1***",
    ),
    (
        ("pass", "logon"),
        rf"(?i)((?-i:>\s{{1,3}}PASS\s)|\.logon\s\S{{1,100}}?/[^\s,]{{1,60}},){_TYPED}{{3,200}}",
        r"\1***",
    ),
    (
        ("%3d",),
        r"(?i)((?:%3B|[?&=])(?:pwd|password|accountkey|sharedaccesskey)%3D)(?!\*\*\*|%7B[a-z_]{1,40}%7D)(?:(?!%3B|%26)[^\s&;'\"(){}<>]){3,400}",
        r"\1***",
    ),
    (
        ("key '", "secret '", "token '"),
        r"(?i)((?:access_key|secret_key|\bsecret|session_token) ')(?!\*\*\*)(?=[^']{0,200}\d)[^'\s]{8,400}(?=')",
        r"\1***",
    ),
    (
        ("-session",),
        r"(?i)(-session['\"]?\s?:\s?['\"]?)(?=[^\s'\"]{0,80}\d)[\w\-]{16,400}",
        r"\1***",
    ),
    # errors that quote a part of an address
    (
        ("base 10", "cast to int"),
        r"((?:base 10: |cast to integer value as )['\"])(?!\*\*\*)(?=[^'\"\n]{0,100}@|(?<=as ['\"]))(?=[^'\"\n]{0,100}[A-Za-z])[^'\"\n@]{3,200}",
        r"\1***",
    ),
    # documents: elements and attributes of XML, values beside a name
    (
        (*_NAMES, *_SESSION_WORDS),
        rf"(?i)(<(?:\w{{1,20}}:)?[\w.\-]{{0,40}}(?:{_ENDING}|{_SESSIONS})(?:\s[^<>]{{0,200}})?>\s{{0,9}}){_TYPED}[^<>\n]{{0,400}}(?=</)",
        r"\1***",
    ),
    (
        _NAMES,
        rf"(?i)(<name>[\w.\-]{{0,60}}{_ENDING}</name>\s{{0,40}}<value>){_TYPED}[^<>\n]{{0,400}}(?=</)",
        r"\1***",
    ),
    (
        (*_NAMES, *_SESSION_WORDS),
        rf"(?i)(\\?['\"]name\\?['\"]\s?:\s?\\?['\"][\w./\-]{{0,100}}(?:{_ENDING}|{_SESSIONS})\\?['\"],[^{{}}]{{0,300}}?\\?['\"]value\\?['\"]\s?:\s?\\?['\"]){_TYPED}{{1,400}}",
        r"\1***",
    ),
    (
        _NAMES,
        rf"(?i)(\b(?:name|key)\\?['\"]?\s?[:=]\s?\\?['\"]?[\w.\-]{{0,60}}{_ENDING}\\?['\"]?\s{{0,3}},?\s{{1,40}}\\?['\"]?value\\?['\"]?\s?[:=]\s{{0,3}}\\?['\"]?)"
        rf"(?!{_NO_VALUES}){_TYPED}{{1,400}}",
        r"\1***",
    ),
    (
        _NAMES,
        rf"(?i)({_ENDING}['\"]?\s?[:=]\s?(?-i:Some\(|SecretStr\(|N(?='))['\"])(?!\*\*\*)[^'\"\n]{{1,400}}",
        r"\1***",
    ),
    (
        ("pwd", "pass"),
        r"(?i)([;'\"](?:pwd|password)=)\{(?![{*]|[a-z_.]{1,80}\})(?:[^{}\n]|\}\}){1,400}\}",
        r"\1***",
    ),
    (
        ("auth",),
        r"(?i)(\b(?:\w{0,20}auth=|(?:http|aiohttp\.)?basic_?auth)\(\s?['\"][^'\"\n]{0,100}['\"],\s?['\"])(?!\*\*\*)[^'\"\n]{1,200}",
        r"\1***",
    ),
    (
        ("private-lines",),
        r"(Private-Lines: \d{1,4}\s{1,3})(?:[A-Za-z0-9+/=]{1,80}+(?:\s{1,2}+|\Z)){1,100}",
        "\\1***\n",
    ),
    (
        (" -u ",),
        rf"(-U[ \t]['\"]?[^\s%'\"]{{1,100}}%)(?=[^\s'\"]{{0,80}}[A-Za-z]){_TYPED}{{3,200}}",
        r"\1***",
    ),
    (
        ("-u'", '-u"', "--user'", '--user"'),
        rf"((['\"])(?:-u|--user)\2,\s\2[^'\",:]{{1,100}}[,:]){_TYPED}{{3,200}}(?=\2)",
        r"\1***",
    ),
    (
        ("s3(", "s3cluster(", "gcs("),
        r"(?i)(\b(?:s3|s3cluster|gcs)\(\s?'[^'\n]{1,400}',\s?'[^'\n]{1,200}',\s?')(?!\*\*\*)[A-Za-z0-9/+=_\-]{16,400}(?=')",
        r"\1***",
    ),
    # databases and stores
    (
        ("thin:", "userid="),
        r"(?i)(\b(?:jdbc:oracle:(?:thin|oci):|userid=['\"]?)[\w$#]{1,30}/)(?!\*\*\*)[^\s/@'\"]{1,100}(?=@|\s|\Z)",
        r"\1***",
    ),
    (
        ("pass",),
        rf"(?i)(\bpassword (?:is )?(?:generated|created|set) for (?:user )?\S{{1,100}}?(?::|is)\s){_TYPED}{{4,200}}",
        r"\1***",
    ),
    (("identified",), rf"(?i)(\bidentified\s{{1,9}}by\s{{1,9}})(?=\S{{0,60}}\d){_TYPED}{{4,200}}", r"\1***"),
    (
        ("akia", "asia"),
        r"(\bA[KS]IA[A-Z0-9]{16}['\"]?\s?[,;:]\s?['\"]?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
        r"\1***",
    ),
    (("key",), rf"(?i)(\baccount\.key\.[\w.\-]{{1,200}}['\"]?\s?[:=,]\s?['\"]?){_TYPED}{{16,200}}", r"\1***"),
    # sessions, headers and protocols
    (
        _SESSION_WORDS,
        rf"(?i)(\b(?:{_SESSIONS})['\"]?\s?[:=]\s?['\"]?)(?=[^\s'\"]{{0,60}}\d)(?![0-9a-f]{{8}}-)[^\s'\",;&<>()\\]{{20,4000}}",
        r"\1***",
    ),
    (
        ("token",),
        rf"(?i)(token:){_RANDOM}{{20,4000}}",
        r"\1***",
    ),
    (
        ("auth", "appid=", "app_id="),
        r"(?i)(\b(?:authz|auth)=(?:Bearer(?:\s|%20))?|[?&]app_?id=(?=[0-9a-f]{32}\b))(?=[^\s'\"]{0,80}\d)(?![^\s'\"&;,]{0,80}[(\[])[^\s'\"&;,\\]{8,4000}",
        r"\1***",
    ),
    (
        ("auth",),
        r"(?i)(\bauthorization['\"]?\s?[:=]\s?['\"]?(?:Bot|GenieKey|JWT|Key|Negotiate|NTLM|SharedKey(?:Lite)?|Splunk|SSWS)\s{1,3}"
        rf"(?:[\w\-]{{1,60}}:)?)(?=[^\s'\"]{{0,200}}[\d=]){_TYPED}{{8,4000}}",
        r"\1***",
    ),
    (
        ("signature=", "response="),
        r"(?i)(\b(?:oauth_)?signature=['\"]?(?=[^\s'\"]{0,200}\d)|\bresponse=\"(?=[0-9a-f]{32}))[\w%+/=\-]{20,1000}",
        r"\1***",
    ),
    (
        ("auth", "pass"),
        r"(?i)(\bAUTH\s(?:PLAIN|LOGIN|XOAUTH2)\s)(?=[^\s\\]{0,400}(?:[\d=]|(?-i:[a-z][A-Z])))[A-Za-z0-9+/]{8,2000}={0,2}|(?-i:('PASS\s)[^\s'/]{4,100}(?='))",
        r"\1\2***",
    ),
    # addresses of hooks
    (
        ("webhook", "/bot", "hooks.", "/services/t"),
        r"(?i)((?:api/webhooks/\d{6,30}/|IncomingWebhook/|hooks\.slack\.com/(?:services|workflows|triggers)/|hooks\.zapier\.com/hooks/catch/|(?:api\.telegram\.org)?/bot(?=\d{5,12}:)|/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/))(?!\*\*\*)[\w\-/:]{8,400}?(?=/(?:send|get)|[^\w\-/:]|\Z)",
        r"\1***",
    ),
    # addresses, headers and well-known tokens
    (
        (":/", "//"),
        rf"(?i)([a-z][a-z0-9+.\-]{{0,40}}(?::?//|:/)[^\s:/@'\"\[]{{0,200}}):{_NO_PORT}{_NO_REFERENCE}[^\s\"]{{1,400}}@(?!sha256:)(?=[\w.\-\[])",
        r"\1:***@",
    ),
    (("://",), r"(?i)(https?://)(?=[^\s:/@'\"]{0,400}\d)[^\s:/@'\"]{8,400}@(?=[\w.\-\[])", r"\1***@"),
    (
        ("@tcp(", "@unix("),
        r"\b([A-Za-z_]\w{0,63}):(?!pass(?:word)?@)[^\s:@'\"]{3,200}@(tcp|unix)\(",
        r"\1:***@\2(",
    ),
    (
        ("auth",),
        r"(?i)(Authorization\\{0,8}['\"]?\s{0,9}[:=,]\s{0,9}(?:b(?=\\{0,8}['\"]))?\\{0,8}['\"]?(?:(?:Bearer|Basic|Token|ApiKey)\s{1,9})?+)"
        r"(?!\*\*\*)(?=[^\s'\",}\\]{0,200}(?:[\d=]|(?-i:[a-z][A-Z])))[^\s'\",}\\<${]{1,4000}",
        r"\1***",
    ),
    (
        ("cookie",),
        r"(?i)(\b(?:set-)?cookies?\\{0,8}['\"]?\s{0,9}[:=,]\s{0,9}(?:b(?=\\{0,8}['\"]))?\\{0,8}['\"]?)(?!\*\*\*)[^\s=;'\"]{1,80}=[^\r\n'\"\\]{1,4000}",
        r"\1***",
    ),
    (
        ("bearer",),
        r"(B(?:earer|EARER)\s{1,9})(?=[A-Za-z._~+/\-]{0,80}\d)[A-Za-z0-9._~+/\-]{8,4000}={0,2}",
        r"\1***",
    ),
    (
        ("bearer",),
        r"(bearer\s{1,9})(?=[A-Za-z]{0,80}\d{1,20}[A-Za-z._\-])[A-Za-z0-9._~+/\-]{8,4000}={0,2}",
        r"\1***",
    ),
    (
        ("key",),
        r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?!\*\*\*)(?:(?!-----END)[\s\S]){1,20000}",
        r"\1***",
    ),
    (
        ("identified",),
        r"(?i)(\bidentified\s{1,9}by\s{1,9})(['\"`])(?!\*\*\*)(?:(?!\2)[^\n]){1,400}\2",
        r"\1\2***\2",
    ),
    (("pass",), r"(?i)(\bpassword(?:\s{1,9}|\(\s?))'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (
        _NAMES,
        rf"(?i)(--[\w\-]{{0,40}}(?:password|passwd|passphrase|pwd|secret|token|key)\s{{1,9}}){_LIKELY}",
        r"\1***",
    ),
    (
        ("pass", "pwd"),
        rf"(?i)(\b(?:password|passwd|passphrase|pwd)[ \t](?:for\s\S{{1,80}}\s)?(?:is\s|was\s)?)"
        rf"(?!scram|sha-?\d|md5|argon|bcrypt|pbkdf|base64|utf-?\d|(?-i:[a-z]{{1,20}}_)"
        rf"|(?:field|column|col|arg|param|line|row|attempt|option|user|file|version|v|step|item)\d){_LIKELY}",
        r"\1***",
    ),
    (
        ("token", "secret", "key"),
        rf"(?i)(?<!unexpected )(?<!unknown )(?<!next )(?<!near )(\b(?:token|secret|(?:api|access|secret|private)[ _\-]?key)\s(?:is\s|was\s)?)"
        rf"(?=[^\s&;,'\"]{{0,80}}\d[A-Za-z])(?!arn:|projects/|https?:){_LIKELY}",
        r"\1***",
    ),
    (("key",), r"(?i)(\bencryption_key\s{1,9})'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (
        (*_NAMES, "auth", "hmac", "jwt", "signature=", "sig=", "credential=", "delegation="),
        rf"(?i)({_PARAMETER}=){_NO_PLACEHOLDER}(?!\d{{1,5}}(?:\W|\Z))[^\s&;#'\",<>()\\]{{4,4000}}",
        r"\1***",
    ),
    (
        (" -p", "\n-p"),
        r"(?<![\w\-])(-p)(?=[A-Za-z]{0,40}\d)(?=\d{0,40}[A-Za-z])[^\s'\"./=]{6,100}(?=\s|\Z)",
        r"\1***",
    ),
    (
        ("sqlplus", "sqlldr", "expdp", "impdp", "rman "),
        r"(?i)(\b(?:sqlplus|sqlldr|expdp|impdp|rman)\s{1,9}(?:-\w{1,9}\s{1,9}){0,4}[\w$#]{1,30}/)(?!\*\*\*)[^\s/@'\"]{1,100}(?=@)",
        r"\1***",
    ),
    *((tuple(words.split()), rf"\b{pattern}", MASK) for words, pattern in _TOKENS),
)


WORDS: Final = tuple(dict.fromkeys(word for words, _, _ in _SHAPES for word in words)) + _OTHER_WORDS


@cache
def _compiled(number: int) -> re.Pattern[str]:
    """Compile a pattern on first use: most runs contain no secret."""
    return re.compile(_SHAPES[number][1])


def shapes(words: Iterable[str]) -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield the patterns and replacements that need one of these words."""
    present = frozenset(words)
    for number, (needed, _, replacement) in enumerate(_SHAPES):
        if not present.isdisjoint(needed):
            yield _compiled(number), replacement
