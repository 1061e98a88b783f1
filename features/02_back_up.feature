@backup @owner:release_management
Feature: Backing up the main instance
  A rollback of the main instance needs its database, its server folders and its master key, all of one moment. They
  are taken while the main instance is in maintenance mode, and proven usable at once.

  Rule: No upgrade without a backup that was restored

    @severity:blocker @guide:administration/data/backup-and-restore
    Scenario: The database backup restores to a consistent database with every row
      When the main instance is backed up
      Then its database was restored from the backup, found consistent and complete

    @severity:blocker
    Scenario: Every server folder is in the backup set, file by file
      When the main instance is backed up
      Then the packages, artifacts and task logs of the main instance are in the backup set
      And every copied file has the content it had on the main instance

    @severity:blocker @guide:security/data-encryption
    Scenario: The master key of the backup set opens a secret of the backed-up database
      When the main instance is backed up
      Then the master key was proven on a secret of that database

  Rule: The main instance is in maintenance mode for its backup, and for nothing else

    @severity:critical @guide:administration/managing-infrastructure/maintenance-mode
    Scenario: The main instance serves its users again after the backup
      When the main instance is backed up
      Then the main instance is not in maintenance mode
      And everything that was done to the main instance has been undone
