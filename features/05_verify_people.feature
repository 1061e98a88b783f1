@verify @permissions @owner:security
Feature: Verifying people and their permissions
  "Several users log in, and their permissions have not changed": nobody is locked out, and nobody may do more than
  before.

  Rule: Several users can log in

    @severity:blocker @guide:administration/upgrading/guide/creating-test-instance
    Scenario: Each kind of user can log in as before
      When the test instance is upgraded to the target version
      Then a user of each kind can log in by password and by API key

  Rule: Their permissions have not changed

    @severity:blocker @guide:security/users-and-teams
    Scenario: Nobody lost a permission, and nobody gained one
      When the test instance is compared before and after its upgrade
      Then each user has the permissions that they had
