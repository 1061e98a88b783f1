@faults @owner:release_management
Feature: Coming back from an upgrade that is refused
  The server looks before it changes the schema. What it refuses has changed nothing, and the old version goes on.

  Rule: A refusal is told in the server's own words, and is not bypassed

    @severity:critical
    Scenario Outline: A condition does not hold, and the old version goes on
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and <mishap>
      Then that speaks against the new version, in these words: <words>
      And its database is found as it was
      And it is led back by installing the previous version
      And the old version works again, and nothing is lost

      Examples:
        | mishap                                     | words                                |
        | the licence does not cover the new version | not be compliant with your license   |
        | the master key is another instance's       | The master key does not match        |

  Rule: What is known beforehand costs no outage

    @severity:blocker @guide:installation/sql-server-database
    Scenario: SQL Server is too old
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and SQL Server is too old
      Then that speaks against the new version, in these words: needs SQL Server 2016 or newer
      And the old version never stopped
      And the old version works again, and nothing is lost

  Rule: The schema is never changed under a running node

    @severity:blocker @issue:8241
    Scenario: Another node still runs
      Given a test instance at the old version, with everything it holds
      When it is upgraded, and another node still runs
      Then that says nothing about the new version, in these words: is still in use
      And nothing was changed
      And the old version works again, and nothing is lost
