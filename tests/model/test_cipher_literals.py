"""Keys that are literals of a database's encryption functions are masked in quoted SQL."""

import pytest

from osiris_inspect.model.redaction import mask_by_pattern

KEY = "correct horse 7"


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        (f"SELECT AES_ENCRYPT(name, '{KEY}') FROM t", "SELECT AES_ENCRYPT(name, '***') FROM t"),
        (f"SELECT aes_decrypt(name, '{KEY}', iv), 'x'", "SELECT aes_decrypt(name, '***', iv), 'x'"),
        (f"AES_ENCRYPT(name, UNHEX(SHA2('{KEY}', 512)))", "AES_ENCRYPT(name, UNHEX(SHA2('***', 512)))"),
        (
            f"pgp_sym_encrypt(concat(a, b), '{KEY}', 'cipher-algo=aes256')",
            "pgp_sym_encrypt(concat(a, b), '***', '***')",
        ),
        (f"SELECT pgp_sym_decrypt(v::bytea, '{KEY}') AS v", "SELECT pgp_sym_decrypt(v::bytea, '***') AS v"),
        (f"encrypt(data, '{KEY}', 'aes')", "encrypt(data, '***', '***')"),
        (f"EncryptByPassPhrase('{KEY}', name)", "EncryptByPassPhrase('***', name)"),
        (f"hmac(body, '{KEY}', 'sha256')", "hmac(body, '***', '***')"),
        (f'AES_ENCRYPT(name, "{KEY}")', 'AES_ENCRYPT(name, "***")'),
        (f"AES_ENCRYPT(name, '{KEY}", "AES_ENCRYPT(name, '***"),
        (f"AES_ENCRYPT('n', '{KEY}'); SELECT 'b'", "AES_ENCRYPT('***', '***'); SELECT 'b'"),
        (
            f"AES_ENCRYPT(decrypt(a, '{KEY}'), '{KEY}') OR hmac(b, '{KEY}')",
            "AES_ENCRYPT(decrypt(a, '***'), '***') OR hmac(b, '***')",
        ),
        (
            f"ATTACH 'a.db' (ENCRYPTION_KEY '{KEY}')",
            "ATTACH 'a.db' (ENCRYPTION_KEY '***')",
        ),
    ],
)
def test_literal_of_encryption_function_is_masked(sql: str, masked: str) -> None:
    assert mask_by_pattern(sql) == masked
    assert mask_by_pattern(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "cannot decrypt 'file.csv'",
        "SELECT encode(v, 'hex'), decode(v, 'base64') FROM t",
        "SELECT encrypted FROM t WHERE encrypted IN ('a', 'b')",
        "SELECT AES_ENCRYPT(name, key_column) FROM t WHERE a = 'x'",
        "describe('crypto')",
    ],
)
def test_text_without_key_stays(text: str) -> None:
    assert mask_by_pattern(text) == text
