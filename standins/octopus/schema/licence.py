"""A licence's XML: what limits it sets, and whether an upgrade stays inside it."""

from __future__ import annotations

import base64
import json
import os
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from xml.etree import ElementTree as ET

from standins.octopus.schema.database import Database

_GRACE: Final = timedelta(days=60)  # after a subscription's end, Octopus docs
DOCUMENT: Final = "license"


@dataclass(frozen=True, slots=True)
class Licence:
    """``text`` is the XML as it is stored and as the API gives it back."""

    text: str

    @classmethod
    def stored(cls, database: Database) -> Licence | None:
        rows = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", DOCUMENT)
        text = json.loads(rows[0][0]).get("LicenseText") if rows else None
        return cls(text) if text else None

    @classmethod
    def free(cls, today: date) -> Licence:
        """What a server makes for itself when none is given. Its limits are not published; these are generous."""
        root = ET.Element("License", Signature=base64.b64encode(os.urandom(64)).decode("ascii"))
        key = "-".join(f"{random.SystemRandom().randrange(100_000):05}" for _ in range(4))
        for name, value in (
            ("LicensedTo", "Octopus Community"),
            ("LicenseKey", key),
            ("Version", "2.0"),
            ("ValidFrom", today.isoformat()),
            ("MaintenanceExpires", "2099-12-31"),
            ("ProjectLimit", "Unlimited"),
            ("MachineLimit", "Unlimited"),
            ("UserLimit", "Unlimited"),
            ("NodeLimit", "Unlimited"),
        ):
            ET.SubElement(root, name).text = value
        return cls(ET.tostring(root, encoding="unicode"))

    @classmethod
    def parse(cls, encoded: bytes) -> Licence:
        """From ``--licenseBase64`` or the content of ``--licenseFile``."""
        text = encoded.decode("utf-8-sig")
        try:
            root = ET.fromstring(text)  # noqa: S314 - given by the administrator
        except ET.ParseError as error:
            raise ValueError("The license is not a valid license") from error
        if root.tag != "License" or not root.get("Signature"):
            raise ValueError("The license is not a valid license")
        return cls(text)

    def serial_number(self) -> str:
        return self._value("LicenseKey")

    def problem_after_upgrade(self, today: date) -> str:
        """A release must be inside the maintenance, a subscription not more than 60 days over."""
        expires, ends = self._date("MaintenanceExpires"), self._date("ValidTo")
        if expires is not None and expires < today:
            return f"The license's maintenance expired on {expires.isoformat()}."
        if ends is not None and ends + _GRACE < today:
            return f"The subscription expired on {ends.strftime('%d %B %Y')}."
        return ""

    def _value(self, name: str) -> str:
        root = ET.fromstring(self.text)  # noqa: S314 - stored by this server
        return (root.findtext(name) or "").strip()

    def _date(self, name: str) -> date | None:
        value = self._value(name)
        return date.fromisoformat(value[:10]) if value else None


def store_licence(database: Database, licence: Licence) -> None:
    text = json.dumps({"LicenseText": licence.text, "SerialNumber": licence.serial_number()})
    if database.run("SELECT 1 FROM dbo.[Configuration] WHERE [Id] = ?", DOCUMENT):
        database.run("UPDATE dbo.[Configuration] SET [JSON] = ? WHERE [Id] = ?", text, DOCUMENT)
    else:
        database.run("INSERT INTO dbo.[Configuration] ([Id], [JSON]) VALUES (?, ?)", DOCUMENT, text)
