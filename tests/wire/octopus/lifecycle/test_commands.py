"""Services, certificates and the proxy, on the command line."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from standins.octopus.command.instances import InstanceConfiguration
from standins.octopus.command.services import Service
from tests.wire.octopus.lifecycle.machine import Instance, wait_for_url

VERSION = "2020.6.4671"


@contextmanager
def stopped_at_the_end(instance: Instance) -> Generator[Service]:
    service = Service.of("OctopusServer", instance.configuration)
    try:
        yield service
    finally:
        Service.of("OctopusServer", instance.configuration).stop()


def test_a_service_is_installed_started_checked_and_stopped(instance: Instance) -> None:
    instance.create(VERSION)
    log = instance.home / "Logs" / "Service.txt"
    with stopped_at_the_end(instance) as service:
        early = instance.run(VERSION, "service", "--start")
        both = instance.run(VERSION, "service", "--install", "--start")
        url = wait_for_url(lambda: Service.of("OctopusServer", instance.configuration).process() is not None, log)
        with urllib.request.urlopen(f"{url}/api", timeout=10) as reply:  # noqa: S310
            version = json.load(reply)["Version"]
        stopped = instance.run(VERSION, "service", "--stop")
        running = Service.of("OctopusServer", instance.configuration).process()
        gone = instance.run(VERSION, "service", "--uninstall")
        is_installed = service.is_installed

    assert early.code == 1
    assert "is not installed" in early.errors
    assert both.code == 0, both.errors
    assert version == VERSION
    assert (stopped.code, gone.code) == (0, 0)
    assert running is None
    assert not is_installed


def test_services_that_do_not_run_are_started_by_the_check(instance: Instance) -> None:
    instance.create(VERSION)
    log = instance.home / "Logs" / "Service.txt"

    def runs() -> bool:
        return Service.of("OctopusServer", instance.configuration).process() is not None

    with stopped_at_the_end(instance):
        without = instance.run(VERSION, "checkservices", "--instances=*")
        instance.run(VERSION, "service", "--install")
        started = instance.run(VERSION, "checkservices", "--instances=*")
        wait_for_url(runs, log)
        process = Service.of("OctopusServer", instance.configuration).process()
        again = instance.run(VERSION, "checkservices", "--instances=*")
        left_alone = Service.of("OctopusServer", instance.configuration).process()

    assert [one.code for one in (without, started, again)] == [0, 0, 0], started.errors
    assert "Service started: OctopusDeploy" in started.output
    assert "Service started" not in without.output + again.output
    assert process is not None
    assert left_alone is not None
    assert left_alone.pid == process.pid


def test_a_certificate_goes_out_and_comes_back_under_its_password(instance: Instance, tmp_path: Path) -> None:
    instance.create(VERSION)
    file = tmp_path / "server.pfx"
    before = instance.run(VERSION, "show-thumbprint").output.strip()

    out = instance.run(VERSION, "export-certificate", f"--export-pfx={file}", "--pfx-password=Passw0rd")
    instance.run(VERSION, "new-certificate")
    between = instance.run(VERSION, "show-thumbprint").output.strip()
    wrong = instance.run(VERSION, "import-certificate", f"--from-file={file}", "--pfx-password=wrong")
    back = instance.run(VERSION, "import-certificate", f"--from-file={file}", "--pfx-password=Passw0rd")

    assert out.code == 0, out.errors
    assert file.stat().st_mode & 0o777 == 0o600
    assert between != before
    assert wrong.code == 1
    assert back.code == 0, back.errors
    assert instance.run(VERSION, "show-thumbprint").output.strip() == before


def test_the_proxy_and_the_portals_certificate_are_settings_of_the_instance(instance: Instance) -> None:
    proxy = instance.run(
        VERSION, "proxy", "--proxyEnable=true", "--proxyHost=proxy.example.test", "--proxyPassword=open sesame"
    )
    bound = instance.run(VERSION, "ssl-certificate", "--thumbprint=AB12", "--port=8443")
    nowhere = instance.run(VERSION, "ssl-certificate", "--thumbprint=AB12", "--certificate-store=Root")

    values = InstanceConfiguration.read(instance.configuration).values
    assert (proxy.code, bound.code, nowhere.code) == (0, 0, 1)
    assert values["Octopus.Proxy.ProxyHost"] == "proxy.example.test"
    assert "sesame" not in instance.configuration.read_text() + proxy.output
    assert values["Octopus.WebPortal.SslBinding"] == "0.0.0.0:8443;AB12;My"
    assert "WebHosting" in nowhere.errors
