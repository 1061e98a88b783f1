from __future__ import annotations

import pytest

from tests.wire.sqlserver.drivers import FREETDS, MICROSOFT, Address, Driver, each


@each(MICROSOFT)
@pytest.mark.parametrize("encrypt", ["yes", "no", "optional", "mandatory"])
def test_microsofts_driver_with_every_encryption(driver: Driver, address: Address, encrypt: str) -> None:
    with driver.connect(address, encrypt=encrypt) as connection:
        assert connection.execute("SELECT 1").fetchval() == 1


@each(MICROSOFT)
def test_strict_encryption_is_tds_8(driver: Driver, address: Address) -> None:
    options = f"ServerCertificate={address.certificate};"
    with driver.connect(address, encrypt="strict", options=options) as connection:
        assert len(connection.execute("rows 5000").fetchall()) == 5000


@each(FREETDS)
@pytest.mark.parametrize("encryption", ["off", "request", "require"])
@pytest.mark.parametrize("version", ["7.3", "7.4", "auto"])
def test_freetds_with_every_encryption_and_version(
    driver: Driver, address: Address, encryption: str, version: str
) -> None:
    options = f"Encryption={encryption};TDS_Version={version};"
    with driver.connect(address, options=options) as connection:
        assert len(connection.execute("rows 5000").fetchall()) == 5000


@each(FREETDS)
@pytest.mark.parametrize("version", ["7.1", "7.2"])
def test_older_protocols_are_refused(driver: Driver, address: Address, version: str) -> None:
    with pytest.raises(Exception, match=r"older than TDS 7.3|Unable to connect|server failed"):
        driver.connect(address, options=f"TDS_Version={version};")


@each()
def test_a_wrong_password_is_18456(driver: Driver, address: Address) -> None:
    wrong = Address(address.host, address.port, "sa", "Not-the-password-1")
    with pytest.raises(Exception, match=r"Login failed for user 'sa'|18456"):
        driver.connect(wrong)


@each(MICROSOFT, FREETDS)
def test_an_absent_database_is_4060(driver: Driver, address: Address) -> None:
    with pytest.raises(Exception, match=r"Cannot open database|4060"):
        driver.connect(address, "absent")


@each(MICROSOFT)
@pytest.mark.parametrize("size", [512, 4096, 16000])
def test_packet_sizes_from_the_smallest_to_what_tls_carries(driver: Driver, address: Address, size: int) -> None:
    with driver.connect(address, options=f"PacketSize={size};") as connection:
        assert len(connection.execute("rows 5000").fetchall()) == 5000
        text = "x" * 100_000
        assert connection.execute("echo ?", text).fetchval() == text


@each(MICROSOFT)
def test_integrated_logins_are_refused(driver: Driver, address: Address) -> None:
    with pytest.raises(Exception, match=r"18452|Kerberos|SSPI|GSS"):
        driver.connect(address, options="Trusted_Connection=yes;")
