"""Texts of programs that nobody told what is secret, with one in a usual shape, and texts that only look so."""

import pytest

from osiris_inspect.model.redaction import mask_by_pattern

WORD = "Zq7kTrv9PxLm2wQd"
SECRETS = {
    "assignment": f"pass={WORD}",
    "variable": f"DB_PASS={WORD}",
    "exported variable": f"export REDIS_PW={WORD}",
    "passphrase": f"passphrase={WORD}",
    "camel case": f"clientSecret={WORD}",
    "words without a separator": f"sslpassword={WORD}",
    "dictionary of bytes": f"{{b'password': b'{WORD}'}}",
    "Ruby": f":password => '{WORD}'",
    "PHP": f"'password' => '{WORD}'",
    "number after the name": f"password2={WORD}",
    "SQL in double quotes": f'ALTER USER u IDENTIFIED BY "{WORD}"',
    "SQL in backticks": f"ALTER USER u IDENTIFIED BY `{WORD}`",
    "DuckDB": f"CREATE SECRET s (TYPE s3, KEY_ID 'AKX', SECRET '{WORD}')",
    "DuckDB, named": f"CREATE OR REPLACE PERSISTENT SECRET s (TYPE postgres, PASSWORD '{WORD}')",
    "cookie": f"Cookie: session={WORD}; theme=dark",
    "set-cookie": f"'Set-Cookie': 'sid={WORD}; Path=/'",
    "token in an address": f"fatal: cannot access https://{WORD}@git.example.org/x.git",
    "parameter": f"GET /v1/rows?key={WORD}",
    "header": f"Proxy-Authorization: Basic {WORD}",
    "header pair": f"('X-Api-Key': '{WORD}')",
    "Oracle": f"sqlplus scott/{WORD}@db.example.org:1521/orcl",
    "sentence": f"the password is {WORD}",
    "password of a user": f"password for app is {WORD}",
    "option": f"--db-password {WORD}",
    "cut quote": f"connect(password='{WORD}",
    "quote in a quote": f'connect(password="a\'{WORD}")',
    "escaped JSON": f'{{\\"secret_key\\": \\"{WORD}\\"}}',
    "YAML": f"client_secret: {WORD}",
    "INI with blanks": f"aws_secret_access_key = {WORD}",
    "PGP": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{WORD}\n-----END PGP PRIVATE KEY BLOCK-----",
    "Slack": f"https://hooks.slack.com/services/T0/B0/{WORD}",
    "Stripe": f"sk_test_{WORD}",
    "GitHub": f"ghu_{WORD}{WORD}",
    "GitLab": f"glpat-{WORD}",
    "DigitalOcean": f"dop_v1_{WORD}",
    "npm": f"npm_{WORD}{WORD}",
    "PyPI": f"pypi-{WORD}",
    "Vault": f"hvs.{WORD}",
    "Docker": f"dckr_pat_{WORD}",
    "SendGrid": f"SG.{WORD}.{WORD}{WORD}",
    "apostrophe in an address": f"postgresql://u:a'{WORD}@h/db",
}
INNOCENT = (
    "Unexpected token: identifier1",
    "unexpected token 'identifier12345'",
    "unknown token: 'column_12345'",
    "PWD=/home/user/project",
    "OLDPWD=/srv/app1",
    "PWD=C:\\Users\\me1",
    "redis://cache:6379/0@x.y",
    "http://h1:80,http://h2:81/p@q.r",
    "password=os.environ['DB_PASSWORD_1']",
    "connect(host=host, password=password, port=5432)",
    "UPDATE users SET password=? WHERE id=1",
    "password=$1",
    "pass=12 fail=3",
    "pass: 120 of 120",
    "password: YES",
    "no password supplied",
    "password authentication failed for user 'app1'",
    "password scram-sha-256 is not supported",
    "Authorization: required",
    "WWW-Authenticate: Bearer authentication required",
    "Authorization: Bearer <token>",
    "Bearer authorization failed",
    "cookie: not found in jar 7",
    "max_tokens=4096a",
    "next_token_id=12ab34cd",
    "token=tokens[1]",
    "primary_key: id12345",
    "sort_key=created_at_2024",
    "surrogate_key='dim_customer_1'",
    "missing key: 'user_id_2'",
    "KeyError: 'customer_key_2024'",
    "compass=N12E45",
    "passport=A1234567",
    "secret: 12 of 20 rows",
    "secretary: 'Jane12'",
    "the column 'password' has 12 nulls",
    "sk-learn-contrib-is-not-installed",
    "hf_datasets is not installed",
    "npm_config_registry",
    "git@github.com:org/repo1.git",
    "mail to john1/doe@example.org",
    "tokenizer=bert-base-uncased2",
    "password=${DB_PASSWORD}",
    "password=%(password)s",
    "passwd=None",
)


@pytest.mark.parametrize("name", SECRETS)
def test_secret_in_usual_shape_is_masked(name: str) -> None:
    masked = mask_by_pattern(SECRETS[name])
    assert WORD not in masked
    assert "***" in masked
    assert mask_by_pattern(masked) == masked


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_is_left_alone(text: str) -> None:
    assert mask_by_pattern(text) == text
