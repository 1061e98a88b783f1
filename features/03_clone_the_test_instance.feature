@clone @owner:release_management
Feature: Cloning the test instance
  The rehearsal happens on a clone of the main instance. It holds production's keys, triggers and addresses, so it is
  made harmless before its server starts for the first time. Where the settings ask for a subset, chosen projects are
  exported from the main instance and imported into a fresh one instead; what is not in them is counted and reported.

  Rule: The clone must not be able to act as the main instance

    @severity:blocker @guide:administration/upgrading/guide/creating-test-instance
    Scenario: The clone has an identity, a database and an address of its own
      When the test instance is made from the main instance
      Then it has another installation id, database and address than the main instance

    @severity:blocker
    Scenario: Nothing on the clone reaches out to what the main instance serves
      When the test instance is made from the main instance
      Then its triggers, subscriptions, targets and workers are disabled, also now that its server runs

  Rule: The clone is as good as the main instance for everything that is rehearsed on it

    @severity:blocker
    Scenario: The clone runs the version of the main instance
      When the test instance is made from the main instance
      Then it runs the main instance's version

    @severity:critical
    Scenario: The clone shows what the main instance shows
      When the test instance is made from the main instance
      Then everything that was taken over shows as on the main instance, except what was disabled on purpose

  Rule: What has broken upgrades before is looked for in the data

    @severity:critical
    Scenario: Nothing in the database is known to break this upgrade
      When the test instance is made from the main instance
      Then its database holds nothing that is known to break an upgrade to the target version
