"""A master key is proven by what it opens, and never shown."""

from __future__ import annotations

import base64
import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import Refused, SettingsError
from tidegate.octopus.master_key import EncryptedValue, MasterKey, encrypted_values, prove_master_key
from tidegate.secrets import Secret

KEY = bytes(range(16))


def key(raw: bytes = KEY) -> MasterKey:
    return MasterKey(Secret.generated("a test's master key", base64.b64encode(raw).decode()))


def sealed(plain: bytes, raw: bytes = KEY) -> str:
    """As the server stores it."""
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES(raw), CBC(iv)).encryptor()
    cipher_text = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    return f"{base64.b64encode(cipher_text).decode()}|{base64.b64encode(iv).decode()}"


def values(*plains: str, raw: bytes = KEY) -> list[EncryptedValue]:
    return [EncryptedValue(f"variableset-Projects-{i}", sealed(p.encode(), raw)) for i, p in enumerate(plains)]


@given(st.binary(max_size=300))
def test_what_was_sealed_is_opened(plain: bytes) -> None:
    assert key().decrypt(sealed(plain)) == plain


def test_the_right_key_is_proven_and_the_proof_shows_no_secret() -> None:
    proof = prove_master_key(key(), values("hunter2", "", "zwölf\n"), "a database")

    assert "3 of 3" in proof
    assert "variableset-Projects-0" in proof
    assert "hunter2" not in proof


@given(st.binary(min_size=16, max_size=16).filter(lambda raw: raw != KEY))
def test_a_wrong_key_is_refused_with_one_clear_message(raw: bytes) -> None:
    with pytest.raises(Refused) as error:
        prove_master_key(key(raw), values("a password", "another", "a third one"), "a database")

    assert "not the key of this database" in error.value.what
    assert "show-master-key" in error.value.next_step
    assert base64.b64encode(raw).decode() not in str(error.value)


def test_a_wrong_key_is_refused_though_its_padding_happens_to_fit() -> None:
    # About one key in 256 leaves valid padding (OctopusDeploy/Issues#3563); what it opens is noise, not text.
    text = sealed(b"a password of some length")
    fitting = 0
    for number in range(4000):
        wrong = key(number.to_bytes(16, "big"))
        try:
            wrong.decrypt(text)
        except ValueError:
            continue
        fitting += 1
        with pytest.raises(Refused):
            prove_master_key(wrong, [EncryptedValue("certificate-global", text)], "a database")
    assert fitting > 0


def test_values_that_were_lost_before_are_named_and_do_not_refuse_the_key() -> None:
    lost = EncryptedValue("issuetracker-azuredevops", sealed(b"sealed with an older key", os.urandom(16)))

    proof = prove_master_key(key(), [*values("one", "two", "three"), lost], "a database")

    assert "3 of 4" in proof
    assert "not readable: issuetracker-azuredevops" in proof


def test_a_database_without_secrets_proves_nothing_and_says_so() -> None:
    assert "could not be proven" in prove_master_key(key(), [], "a database")


@pytest.mark.parametrize("text", ["", "too short", base64.b64encode(bytes(15)).decode(), "not base64 !!!!!!!!!!!!=="])
def test_a_text_that_is_no_master_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        MasterKey(Secret.generated("env:TIDEGATE_MASTER_KEY", text))

    assert "env:TIDEGATE_MASTER_KEY" in str(error.value)
    assert not text or text not in str(error.value)


def test_a_key_shows_nothing_of_itself() -> None:
    shown = repr(key())

    assert base64.b64encode(KEY).decode() not in shown
    assert str(KEY) not in shown


def test_certificates_may_be_binary() -> None:
    certificate = b"\x30\x82" + (300).to_bytes(2, "big") + bytes(300)

    assert key().opens(EncryptedValue("certificate-global", sealed(certificate), binary=True))
    assert not key().opens(EncryptedValue("certificate-global", sealed(b"\xff\xfe\x00"), binary=True))


def test_encrypted_values_are_found_wherever_they_stand_in_a_document() -> None:
    text = sealed(b"secret")
    document = {
        "Variables": {"a": [{"Name": "Password", "Value": text}, {"Name": "Url", "Value": "https://a|b"}]},
        "Certificate": text,
        "Count": 3,
    }

    assert [value.place for value in encrypted_values("variableset-Projects-1", document)] == [
        "variableset-Projects-1.Variables.a[0].Value",
        "variableset-Projects-1.Certificate",
    ]
