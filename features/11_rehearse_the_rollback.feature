@rollback @owner:release_management
Feature: Rehearsing the rollback
  When the upgrade of the main instance fails, it must come back as it was. The way back is rehearsed on the upgraded
  test instance, when everything else has been verified: from the backup that was taken before its upgrade, by the
  vendor's own steps.

  Rule: The way back leads to where the upgrade began

    @severity:blocker @guide:administration/upgrading/guide/upgrading-major-releases
    Scenario: The upgraded test instance can be led back to its previous version
      When the upgraded test instance is rolled back
      Then it is the main instance's version again

    @severity:blocker
    Scenario: Nothing is lost on the way back, and nothing of the upgrade remains
      When the upgraded test instance is rolled back
      Then its database and its server folders are what they were before the upgrade

    @severity:critical
    Scenario: The previous version shows what it showed
      When the upgraded test instance is rolled back
      Then it shows what it showed before the upgrade

  Rule: The way back is short enough

    @severity:critical
    Scenario: Going back takes no longer than the recovery-time objective
      When the upgraded test instance is rolled back
      Then that took no longer than the organisation allows
