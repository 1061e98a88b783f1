@verify @history @owner:release_management
Feature: Verifying the history
  "The logs and artifacts of old deployments are visible": what was deployed, by whom and how, can still be shown after
  the upgrade.

  Rule: The logs and artifacts of old deployments are visible

    @severity:blocker @guide:administration/upgrading/guide/creating-test-instance
    Scenario: Logs, artifacts and packages of earlier deployments can be downloaded as before
      When the test instance is upgraded to the target version
      Then the files that earlier deployments left can be downloaded again, unchanged

    @severity:normal @issue:7693
    Scenario: The logs of the server's own scheduled tasks can be read as before
      When the test instance is upgraded to the target version
      Then what the server's scheduled tasks logged before the upgrade can still be read

  Rule: The images of projects and tenants are visible

    @severity:normal @guide:administration/upgrading/guide/creating-test-instance
    Scenario: The images of projects and tenants are the same
      When the test instance is upgraded to the target version
      Then the images of projects and tenants are the ones they were
