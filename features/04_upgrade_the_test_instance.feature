@upgrade @owner:release_management
Feature: Upgrading the test instance
  The test instance is upgraded by the vendor's own steps, as the main instance will be. That the upgrade command
  reports success is only the first of several answers.

  Rule: The upgrade has come to its end, not only its command

    @severity:blocker @guide:administration/upgrading
    Scenario: The upgraded server starts and calls itself the target version
      When the test instance is upgraded to the target version
      Then its server is healthy and calls itself the target version

    @severity:blocker
    Scenario: The upgrade history is sane
      When the test instance is upgraded to the target version
      Then the upgrade recorded every step it took, and none of the earlier ones is lost

    @severity:critical
    Scenario: Background work that the upgrade started comes to its end
      When the test instance is upgraded to the target version
      Then no background work fails or hangs

  Rule: A rehearsal leaves the main instance alone

    @severity:blocker
    Scenario: The main instance still runs its old version
      When the test instance is upgraded to the target version
      Then the main instance is still the one it was, at its old version
