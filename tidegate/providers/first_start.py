"""What the first start of a new instance is told by environment variables."""

from __future__ import annotations

import secrets

from tidegate.secrets import Secret


def first_start(
    connection_string: str, master_key: Secret, node_name: str, administrator_key: Secret
) -> dict[str, str]:
    """Names of the container contract (Octopus docs, installation/octopus-server-linux-container). The administrator's
    password is made up and forgotten: the harness comes with the key.
    """
    password = Secret.generated("the administrator's password", f"Tg1!{secrets.token_urlsafe(18)}")
    return {
        "ACCEPT_EULA": "Y",
        "DB_CONNECTION_STRING": connection_string,
        "MASTER_KEY": master_key.reveal(),
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": password.reveal(),
        "ADMIN_EMAIL": "admin@example.invalid",
        "ADMIN_API_KEY": administrator_key.reveal(),
        "OCTOPUS_SERVER_NODE_NAME": node_name,
    }
