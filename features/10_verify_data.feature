@verify @data @owner:release_management
Feature: Verifying the data
  Every resource is there, says what it said, and can be saved. Secrets stay secret and stay readable for the server.

  Rule: Nothing is lost, nothing is changed

    @severity:blocker
    Scenario: Nothing is lost
      When the test instance is compared before and after its upgrade
      Then there are as many resources and rows of each kind as before

    @severity:blocker
    Scenario: Every resource says what it said
      When the test instance is compared before and after its upgrade
      Then every resource shows what it showed, to everybody who could see it

  Rule: What could be made can be made, and what can be read can be saved

    @severity:critical
    Scenario: New things of each kind can be made by those who could make them
      When the test instance is upgraded to the target version
      Then a user of each kind can make and remove what it could make and remove

    @severity:critical
    Scenario: Resources of each kind can be saved unchanged
      When the test instance is upgraded to the target version
      Then one resource of each kind can be saved, and stays what it was

    @severity:critical
    Scenario: What clients of the old version read, they can still save
      When the test instance is upgraded to the target version
      Then one resource of each kind can be saved in the shape that it had before

    @severity:critical @issue:7861
    Scenario: Saving one thing reaches what follows it and nothing else
      When the test instance is upgraded to the target version
      Then steps follow their templates, and tenants keep their variables

    @severity:critical @issue:4979
    Scenario: What people edit is kept, and nothing else changes with it
      When the test instance is upgraded to the target version
      Then each property of one resource of each kind can be changed as before

    @severity:critical
    Scenario: Nobody undoes what somebody else saved meanwhile
      When the test instance is upgraded to the target version
      Then what was read before somebody else saved it is saved or refused as before

    @severity:critical
    Scenario: Whoever was refused to write is still refused
      When the test instance is upgraded to the target version
      Then nobody may write more or less than before, and refusals give a reason

    @severity:critical
    Scenario: Whoever writes is answered as before
      When the test instance is upgraded to the target version
      Then successes of writing have the status and the parts that clients go on with

    @severity:critical
    Scenario: Writing one thing leaves every other one as it is
      When the test instance is upgraded to the target version
      Then everything else is what it was before anybody wrote

  Rule: The database is in order

    @severity:critical
    Scenario: The database has the shape that the new version expects
      When the test instance is upgraded to the target version
      Then the server finds its database complete, and every view can be read

    @severity:critical
    Scenario: Retention deletes nothing that is in use
      When the test instance is upgraded to the target version
      Then a retention run keeps everything that releases and deployments still need
