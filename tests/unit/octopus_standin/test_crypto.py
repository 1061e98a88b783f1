"""The master key and what it seals."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.crypto import MasterKey, WrongMasterKey

KEY = MasterKey(bytes(range(16)))


@given(st.text())
def test_a_text_comes_back_as_it_went_in(text: str) -> None:
    assert KEY.decrypt(KEY.encrypt(text)) == text


def test_the_stored_form_is_what_public_decryptors_of_octopus_databases_read() -> None:
    """AES-128-CBC with PKCS#7 padding; ciphertext and IV in base64 on both sides of a bar."""
    sealed, vector = (base64.b64decode(part) for part in KEY.encrypt("secret").split("|"))

    decryptor = Cipher(algorithms.AES(KEY.raw), modes.CBC(vector)).decryptor()

    assert decryptor.update(sealed) + decryptor.finalize() == b"secret" + bytes([10]) * 10


def test_equal_texts_are_sealed_differently() -> None:
    assert KEY.encrypt("secret") != KEY.encrypt("secret")


def test_another_key_is_refused_or_gives_something_else() -> None:
    other = MasterKey(bytes(16))
    results: list[str] = []
    for _ in range(300):
        try:
            results.append(other.decrypt(KEY.encrypt("a secret of some length, so that chance plays no part")))
        except WrongMasterKey:
            continue
    assert "a secret of some length, so that chance plays no part" not in results
    assert len(results) < 10  # valid padding by chance is rare (OctopusDeploy/Issues#3563)


def test_a_plain_text_is_not_mistaken_for_a_sealed_one() -> None:
    with pytest.raises(WrongMasterKey):
        KEY.decrypt("not encrypted at all")


def test_a_key_has_16_bytes() -> None:
    assert MasterKey.parse(KEY.text()) == KEY
    with pytest.raises(ValueError, match="Unable to parse configuration key"):
        MasterKey.parse(base64.b64encode(b"too short").decode())


def test_a_key_does_not_show_itself() -> None:
    assert KEY.text() not in repr(KEY)
    assert str(KEY.raw) not in repr(KEY)
