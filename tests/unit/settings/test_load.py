from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.errors import SettingsError
from tidegate.settings import HostSettings, MainOnHostSettings, MainSettings, load
from tidegate.settings.model import EmbeddedMainHostSettings, MainInContainerSettings
from tidegate.versions import Version

MAIN = """
[main]
url = "https://octopus.example.com/"
api_key = "env:OCTOPUS_API_KEY"
master_key = "file:/run/secrets/master-key"
[main.database]
server = "sql.example.com,1433"
name = "OctopusDeploy"
user = "tidegate"
password = "env:SQL_PASSWORD"
[main.folders]
packages = "shares/Packages"
artifacts = "/mnt/octopus/Artifacts"
task_logs = "/mnt/octopus/TaskLogs"
[main.backup_folder]
on_server = 'D:\\Backups'
here = "/mnt/backups"
"""


def settings_file(folder: Path, text: str) -> Path:
    file = folder / "tidegate.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problem(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load(settings_file(folder, text), environment={})
    return str(refused.value)


def test_without_anything_the_embedded_defaults_apply() -> None:
    settings = load(environment={})

    assert settings.main is None
    assert settings.embedded.version == Version(2018, 12, 1)
    assert settings.upgrade.target == Version(2021, 1, 7500)


def test_a_real_main_instance_is_read_with_its_secrets_still_references(tmp_path: Path) -> None:
    settings = load(settings_file(tmp_path, MAIN), environment={})

    assert settings.main is not None
    assert settings.main.url == "https://octopus.example.com"
    assert settings.main.api_key.reference == "env:OCTOPUS_API_KEY"
    assert settings.main.database.encrypt


def test_relative_paths_are_meant_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(settings_file(tmp_path, MAIN), environment={})

    assert settings.main is not None
    assert settings.main.folders.packages == tmp_path / "shares/Packages"
    assert settings.main.folders.artifacts == Path("/mnt/octopus/Artifacts")


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = settings_file(tmp_path, '[upgrade]\ntarget = "2019.1.0"\n')
    environment = {"TIDEGATE_UPGRADE__TARGET": "2019.13.5"}

    assert load(file, environment={}).upgrade.target == Version(2019, 1, 0)
    assert load(file, environment=environment).upgrade.target == Version(2019, 13, 5)
    assert load(file, {"upgrade.target": "2020.6.4671"}, environment).upgrade.target == Version(2020, 6, 4671)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = settings_file(tmp_path, '[upgrade]\ntarget = "2019.1.0"\n')
    assert load(environment={"TIDEGATE_SETTINGS": str(file)}).upgrade.target == Version(2019, 1, 0)


def test_a_file_that_is_named_but_missing_is_an_error_not_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "nowhere.toml", environment={})


def test_malformed_toml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in problem(tmp_path, "[upgrade]\ntarget = \n")


def test_a_misspelt_key_is_refused_with_the_nearest_known(tmp_path: Path) -> None:
    assert "did you mean 'target'" in problem(tmp_path, '[upgrade]\ntagret = "2021.1.7500"\n')
    assert "upgrad: there is no such setting; did you mean 'upgrade'" in problem(tmp_path, "[upgrad]\n")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    message = problem(
        tmp_path, '[upgrade]\ntarget = "soon"\n[sql_server]\nlogin_timeout = 0\n[main]\nurl = "octopus"\n'
    )

    assert "'soon' is not an Octopus Server version" in message
    assert "sql_server.login_timeout" in message
    assert "main.api_key: is missing" in message
    assert "main.url" in message


def test_a_secret_given_as_text_is_refused_and_never_repeated(tmp_path: Path) -> None:
    message = problem(tmp_path, MAIN.replace("env:OCTOPUS_API_KEY", "API-CANARYCANARYCANARY"))

    assert "by reference" in message
    assert "CANARY" not in message


def test_a_url_with_credentials_is_refused_and_they_are_not_repeated(tmp_path: Path) -> None:
    message = problem(tmp_path, MAIN.replace("https://octopus", "https://user:hunter2hunter2@octopus"))

    assert "credentials" in message
    assert "hunter2" not in message


def test_a_main_instance_and_an_embedded_one_exclude_each_other(tmp_path: Path) -> None:
    assert "exclude each other" in problem(tmp_path, MAIN + '[embedded]\nsize = "m"\n')


def test_a_subset_says_which_projects_and_agrees_to_the_export(tmp_path: Path) -> None:
    text = '[test_instance]\napproach = "subset"\nprojects = ["Shop", "Other/Billing"]\nexport_from_main = true\n'

    wanted = load(settings_file(tmp_path, text), environment={}).test_instance

    assert (wanted.approach, wanted.projects) == ("subset", ("Shop", "Other/Billing"))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('approach = "subset"\nexport_from_main = true', "needs projects"),
        ('approach = "subset"\nprojects = ["Shop"]', "export_from_main = true to agree"),
        ('projects = ["Shop"]', 'belong to approach = "subset"'),
        ('approach = "subset"\nprovider = "host"\nprojects = ["Shop"]\nexport_from_main = true', "on a command line"),
    ],
)
def test_a_subset_half_asked_for_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    assert told in problem(tmp_path, f"[test_instance]\n{lines}\n")


ON_HOST = """[main.host]
provider = "host"
address = "octopus.example.com"
identity_file = "keys/tidegate"
install_folder = "/opt/octopus"
home = "/var/lib/octopus"
work_folder = "/var/tmp/tidegate"
"""


def test_the_main_instance_s_machine_is_of_the_kind_that_it_says(tmp_path: Path) -> None:
    embedded = load(settings_file(tmp_path, MAIN + '[main.host]\nfolder = "lab/main"\n'), environment={})
    assert embedded.main is not None
    assert isinstance(embedded.main.host, EmbeddedMainHostSettings)
    assert embedded.main.host.folder == tmp_path / "lab/main"

    there = load(settings_file(tmp_path, MAIN + ON_HOST), environment={})
    assert there.main is not None
    assert isinstance(there.main.host, MainOnHostSettings)
    assert there.main.host.identity_file == tmp_path / "keys/tidegate"
    told = there.main.model_dump(mode="json")
    assert MainSettings.model_validate(told).model_dump(mode="json") == told


def test_other_nodes_are_as_the_leading_one_where_nothing_else_is_said(tmp_path: Path) -> None:
    second = (
        '[[main.host.other_nodes]]\nurl = "http://octopus-2:8080"\naddress = "octopus-2"\nidentity_file = "keys/two"\n'
    )

    main = load(settings_file(tmp_path, MAIN + ON_HOST + second), environment={}).main

    assert main is not None
    assert isinstance(main.host, MainOnHostSettings)
    one, two = main.host.nodes
    assert (one.address, one.url, one.identity_file) == ("octopus.example.com", None, tmp_path / "keys/tidegate")
    assert (two.address, two.url, two.identity_file) == ("octopus-2", "http://octopus-2:8080", tmp_path / "keys/two")
    assert two.home == one.home == "/var/lib/octopus"
    assert main.host.model_copy(update={"other_nodes": ()}).nodes == (one,)


def test_a_node_without_an_address_of_its_own_or_named_twice_is_refused(tmp_path: Path) -> None:
    table = "[[main.host.other_nodes]]\n"

    assert "main.host.other_nodes.0.url: is missing" in problem(tmp_path, MAIN + ON_HOST + table + 'address = "two"\n')
    twice = MAIN + ON_HOST + table + 'url = "http://octopus-2"\n'
    assert "two nodes are the same instance on the same machine" in problem(tmp_path, twice)


def test_other_nodes_of_an_embedded_main_instance_lie_beside_the_settings(tmp_path: Path) -> None:
    text = '[main.host]\nfolder = "lab/main"\n[[main.host.other_nodes]]\nfolder = "lab/main-2"\nurl = "http://127.0.0.1:1"\n'

    main = load(settings_file(tmp_path, MAIN + text), environment={}).main

    assert main is not None
    assert isinstance(main.host, EmbeddedMainHostSettings)
    assert [one.folder for one in main.host.other_nodes] == [tmp_path / "lab/main-2"]


def test_mistakes_about_the_main_instance_s_machine_are_told_where_they_were_made(tmp_path: Path) -> None:
    message = problem(tmp_path, MAIN + ON_HOST.replace("home", "hone").replace("/opt", "opt"))

    assert "main.host.hone: there is no such setting; did you mean 'home'?" in message
    assert "main.host.home: is missing" in message
    assert "main.host.install_folder: write the whole path" in message
    assert "embedded" in problem(tmp_path, MAIN + '[main.host]\nprovider = "cloud"\n')
    assert "needs an address" in problem(tmp_path, MAIN + ON_HOST.replace("address", "user"))


HOST = """[host]
address = "octo-test"
known_hosts = "known"
folder = "/var/lib/tidegate"
[host.server_folders]
on_host = "/srv/share"
here = "share"
[host.sql_server]
server = "sql-test"
user = "tidegate"
password = "env:TEST_SQL_PASSWORD"
[host.sql_server.backups]
on_server = 'E:\\Backups'
here = "backups"
"""


def test_a_host_s_folders_here_are_relative_to_the_file_and_its_own_are_not(tmp_path: Path) -> None:
    host = load(settings_file(tmp_path, HOST), environment={}).host

    assert host is not None
    assert (host.known_hosts, host.server_folders.local) == (tmp_path / "known", tmp_path / "share")
    assert (host.sql_server.backups.on_server, host.sql_server.backups.local) == ("E:\\Backups", tmp_path / "backups")
    told = host.model_dump(mode="json")  # as a killed run's journal tells it
    assert HostSettings.model_validate(told).model_dump(mode="json") == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("/var/lib/tidegate", "tidegate", "host.folder: write the whole path"),
        ("octo-test", "-oProxyCommand=evil", "host.address: write a name as ssh takes it"),
        ('address = "octo-test"\n', "", "known_hosts: needs an address"),
        ('folder = "/var', 'system = "windows"\nfolder = "/var', "a server on Windows needs a port of its own"),
        ('folder = "/var', 'install_folder = "/opt"\nfolder = "/var', "on Linux each run installs below folder"),
        ("env:TEST_SQL_PASSWORD", "hunter2", "by reference"),
    ],
)
def test_a_host_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in problem(tmp_path, HOST.replace(old, new))


def test_a_main_instance_s_container_is_named_or_is_one_of_a_service(tmp_path: Path) -> None:
    text = MAIN + '[main.host]\nprovider = "containers"\n'

    main = load(settings_file(tmp_path, text + 'service = "octopus"\nproject = "shop"\n'), environment={}).main

    assert main is not None
    assert isinstance(main.host, MainInContainerSettings)
    assert (main.host.container, main.host.service, main.host.project) == ("", "octopus", "shop")
    for nothing_or_two in ("", 'container = "a"\nservice = "b"\n', 'container = "a"\nnodes = ["a", "b"]\n'):
        assert "its service, or the containers of all its nodes" in problem(tmp_path, text + nothing_or_two)


def test_the_nodes_of_a_main_instance_in_containers_are_named_once_each(tmp_path: Path) -> None:
    text = MAIN + '[main.host]\nprovider = "containers"\n'

    main = load(settings_file(tmp_path, text + 'nodes = ["one", "two"]\n'), environment={}).main

    assert main is not None
    assert isinstance(main.host, MainInContainerSettings)
    assert main.host.nodes == ("one", "two")
    assert "a node is named twice" in problem(tmp_path, text + 'nodes = ["one", "one"]\n')
