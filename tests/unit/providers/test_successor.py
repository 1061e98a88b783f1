"""A container with another image keeps what was asked of it, and what it had from its image comes from the new one."""

from __future__ import annotations

from typing import Any

from tidegate.providers.containers.successor import networks_of, successor

IMAGE: dict[str, Any] = {
    "Config": {
        "Env": ["PATH=/usr/bin", "OCTOPUS_VERSION=2020.6"],
        "Labels": {"org.opencontainers.image.version": "2020.6", "kept": "image"},
        "Cmd": ["run"],
        "Entrypoint": ["/Octopus/Octopus.Server"],
        "Volumes": {"/cache": {}},
    }
}
CONTAINER: dict[str, Any] = {
    "Id": "0123456789abcdef",
    "Config": {
        "Image": "octopusdeploy/octopusdeploy:2020.6.4671",
        "Hostname": "0123456789ab",
        "Env": ["MASTER_KEY=k", "TASK_CAP=3", "PATH=/usr/bin", "OCTOPUS_VERSION=2020.6"],
        "Labels": {"org.opencontainers.image.version": "2020.6", "kept": "changed", "com.docker.compose.service": "o"},
        "Cmd": ["run", "--verbose"],
        "Entrypoint": ["/Octopus/Octopus.Server"],
        "Volumes": {"/cache": {}},
        "OpenStdin": True,
    },
    "HostConfig": {
        "Binds": ["/srv/packages:/repository:rw"],
        "Mounts": [{"Type": "volume", "Source": "logs", "Target": "/taskLogs"}],
        "PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": "8080"}]},
        "NetworkMode": "shop",
    },
    "Mounts": [
        {"Type": "bind", "Source": "/srv/packages", "Destination": "/repository"},
        {"Type": "volume", "Name": "logs", "Source": "/var/lib/docker/logs", "Destination": "/taskLogs"},
        {"Type": "volume", "Name": "f00d", "Source": "/var/lib/docker/f00d", "Destination": "/cache"},
    ],
    "NetworkSettings": {
        "Networks": {
            "shop": {"Aliases": ["octopus", "0123456789ab"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Links": None},
            "backup": {"Aliases": None, "IPAMConfig": None, "Links": None},
        }
    },
}


def test_what_the_image_said_is_left_to_the_new_image() -> None:
    made = successor(CONTAINER, IMAGE, "octopusdeploy/octopusdeploy:2021.1.7500", {"by": "a cut-over"})

    assert made["Image"] == "octopusdeploy/octopusdeploy:2021.1.7500"
    assert made["Env"] == ["MASTER_KEY=k", "TASK_CAP=3"]
    assert made["Labels"] == {"kept": "changed", "com.docker.compose.service": "o", "by": "a cut-over"}
    assert {"Entrypoint", "Volumes"} & set(made) == set()
    assert made["Cmd"] == ["run", "--verbose"], "that was asked for"
    assert (made["Hostname"], made["OpenStdin"]) == ("0123456789ab", True)


def test_every_volume_goes_along_the_nameless_ones_as_well() -> None:
    made = successor(CONTAINER, IMAGE, "another", {})["HostConfig"]

    assert made["Binds"] == ["/srv/packages:/repository:rw", "f00d:/cache"]
    assert made["Mounts"] == CONTAINER["HostConfig"]["Mounts"]
    assert made["PortBindings"] == CONTAINER["HostConfig"]["PortBindings"]
    assert CONTAINER["HostConfig"]["Binds"] == ["/srv/packages:/repository:rw"], "the one it is made of stays as it was"


def test_it_joins_the_same_networks_under_the_same_names() -> None:
    made = successor(CONTAINER, IMAGE, "another", {})["NetworkingConfig"]["EndpointsConfig"]

    assert list(made) == ["shop"], "older engines take one; the others are joined afterwards"
    assert made["shop"]["Aliases"] == ["octopus"], "not the name that Docker made of its id"
    assert made["shop"]["IPAMConfig"] == {"IPv4Address": "10.0.0.9"}
    assert list(networks_of(CONTAINER)) == ["shop", "backup"]
