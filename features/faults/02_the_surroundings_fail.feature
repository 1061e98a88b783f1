@faults @owner:release_management
Feature: Coming back when the surroundings fail
  A database server that dies, a disk that is full, a download that is not what it should be: nothing of that says
  anything about the new version, and none of it may cost data.

  Rule: Nothing is started before it is known in which state the database is

    @severity:blocker
    Scenario: SQL Server is killed in the middle of the upgrade
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and SQL Server is killed
      Then that says nothing about the new version, in these words: does not answer any more
      And its database is found out of reach
      And it is not led anywhere before SQL Server is back
      When SQL Server is back
      Then its database is found as it was
      And it is led back by installing the previous version
      And the old version works again, and nothing is lost

    @severity:blocker
    Scenario: The disk of SQL Server is full
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and the disk of SQL Server is full
      Then that speaks against the new version, in these words: disk I/O error
      And its database is found as it was
      And it is led back by installing the previous version
      And the old version works again, and nothing is lost

  Rule: What cannot be trusted is never installed, and nothing is stopped for it

    @severity:blocker
    Scenario Outline: A download that cannot be trusted costs no outage
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and <mishap>
      Then that says nothing about the new version, in these words: <words>
      And the old version never stopped
      And the old version works again, and nothing is lost

      Examples:
        | mishap                         | words                  |
        | the download breaks off        | the download broke off |
        | the download was tampered with | has checksum           |
