@approve @owner:change_board
Feature: Approving the upgrade of the main instance
  The main instance may follow when nothing speaks against it and nothing is left open. The verdict itself is given
  when the run has ended, over all of its evidence.

  Rule: Nothing speaks against the upgrade

    @severity:blocker
    Scenario: No finding that blocks is left open
      When everything that was found is put together
      Then no finding that blocks is without a waiver

  Rule: What the decision rests on is complete and sound

    @severity:blocker
    Scenario: Every check that the policy requires has left its trace
      When everything that was found is put together
      Then every required check has been made

    @severity:blocker
    Scenario: The evidence is what was recorded
      When everything that was found is put together
      Then no line and no file of the evidence was changed
