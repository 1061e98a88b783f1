@plan @owner:release_management
Feature: Planning the path
  The main instance is led to its target version on a path that Octopus's documentation and what is known about
  releases allow. What is known to go wrong on the way is told before anything is touched.

  Rule: Only a path that is known to work is rehearsed

    @severity:blocker @guide:administration/upgrading
    Scenario: The path leads from the main instance's version to the target in ascending steps
      Given the main instance
      When the path to the target version is planned
      Then every hop leads to a later version than the one before
      And the path begins at the main instance's version and ends at the target

    @severity:critical
    Scenario: The download feed offers every version of the path
      When the path to the target version is planned
      Then the download feed offers every version of the path

    @severity:normal
    Scenario: What is known to go wrong on the path is told with its source
      When the path to the target version is planned
      Then every known risk of the path says when it applies, why, and who says so

  Rule: The database server must be new enough for every version on the path

    @severity:blocker @guide:installation/sql-server-database
    Scenario: The main instance's SQL Server is supported up to the target version
      Given the main instance
      When the path to the target version is planned
      Then its SQL Server is new enough for every version of the path
