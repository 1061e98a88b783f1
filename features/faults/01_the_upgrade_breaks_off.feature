@faults @owner:release_management
Feature: Coming back from an upgrade that breaks off
  Sooner or later an upgrade of production stops in the middle. Which state it left decides what may be started: the
  wrong version on a half-upgraded database does damage that shows days later.

  Rule: Whatever stops the upgrade, the old version works again and nothing is lost

    @severity:blocker @guide:administration/upgrading
    Scenario Outline: The product fails, and the instance is led back
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and <mishap>
      Then that speaks against the new version, in these words: <words>
      And its database is found <condition>
      And it is led back by <way>
      And the old version works again, and nothing is lost

      Examples:
        | mishap                                              | words                        | condition     | way                             |
        | a schema script fails                               | Unrecognised document prefix | as it was     | installing the previous version |
        | the server is killed in the middle of a script      | was killed by SIGKILL        | as it was     | installing the previous version |
        | the server is killed between two scripts            | was killed by SIGKILL        | as it was     | installing the previous version |
        | the server is killed before the views are refreshed | was killed by SIGKILL        | half upgraded | restoring the backup            |
        | the upgrade hangs                                   | the schema upgrade hangs     | as it was     | installing the previous version |
        | the upgraded server does not start                  | WebConfigurationMemento      | upgraded      | restoring the backup            |
