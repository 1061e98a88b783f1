@verify @integrations @owner:release_management
Feature: Verifying integrations
  "Every build server can push, and custom API scripts work": whatever talks to the main instance finds what it knows.

  Rule: Every build server can push

    @severity:blocker @guide:administration/upgrading/guide/creating-test-instance
    Scenario: Build servers push packages and create releases as before
      When the test instance is upgraded to the target version
      Then each kind of build server can push and release the way it does

  Rule: The organisation's own scripts work

    @severity:critical @guide:administration/upgrading/guide/creating-test-instance
    Scenario: The organisation's own API scripts end as before
      When the test instance is upgraded to the target version
      Then every configured script ends as it did before the upgrade

  Rule: Those who subscribed are told

    @severity:normal @issue:7216
    Scenario: Notifications reach their webhook, even beside one that fails
      When the test instance is upgraded to the target version
      Then a subscription to events is served as before the upgrade
