@verify @deployments @owner:release_management
Feature: Verifying deployments
  "Representative test deployments work": the same deployment does the same as before the upgrade, in the same order,
  with the same values.

  Rule: No trigger fires on its own

    @severity:critical
    Scenario: Triggers keep their plan, and none fires because of the upgrade
      When the test instance is upgraded to the target version
      Then nothing was deployed that nobody asked for
      And a trigger that is enabled again fires only when it is due

  Rule: What waited for a person still waits, and goes on when it is answered

    @severity:critical @issue:2691
    Scenario: A deployment that waited for an approval can be approved
      When the test instance is upgraded to the target version
      Then the deployment that waited before the upgrade goes on when it is approved

  Rule: Representative deployments do what they did

    @severity:blocker @guide:administration/upgrading/guide/creating-test-instance
    Scenario: Representative projects deploy as before
      When the test instance is upgraded to the target version
      Then releases of representative projects can be created and deployed, and do what they did before

    @severity:normal
    Scenario: Planned deployments can be called off
      When the test instance is upgraded to the target version
      Then a deployment that waits for its time can be cancelled, and its state corrected

    @severity:critical @issue:1276
    Scenario: New releases hold what earlier ones hold
      When the test instance is upgraded to the target version
      Then a new release of each project freezes the process, variables and packages that one before it froze

    @severity:critical
    Scenario: Rules choose what they chose
      When the test instance is upgraded to the target version
      Then rules of channels and tags of tenants choose what they chose

    @severity:critical @issue:6242
    Scenario: Published runbooks run as before
      When the test instance is upgraded to the target version
      Then published runbooks end and say what they did, and can be published again

    @severity:critical
    Scenario: Each kind of user may deploy what it could deploy
      When the test instance is upgraded to the target version
      Then a user of each kind may deploy what it could deploy, and nothing else

    @severity:critical
    Scenario: Deployments are planned as before
      When the test instance is compared before and after its upgrade
      Then the same steps, machines and values are planned for the same releases

  Rule: What a deployment needs is still there

    @severity:critical
    Scenario: Feeds offer the packages that they offered
      When the test instance is compared before and after its upgrade
      Then feeds find the packages and versions that they found
