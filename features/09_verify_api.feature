@verify @api @owner:release_management
Feature: Verifying the interface
  Scripts and clients find the routes, links and fields they know: through paths that name a space, through paths that
  do not, and through the links of the root document.

  Rule: Clients find the interface they know

    @severity:critical @guide:octopus-rest-api
    Scenario: Routes, links, fields and paging are what clients know
      When the test instance is compared before and after its upgrade
      Then every route and field that clients use is still there

    @severity:critical @guide:administration/spaces
    Scenario: What was reachable without naming a space is the same when the default space is named
      When the test instance is compared before and after its upgrade
      Then old paths without a space show what the paths of the default space show

    @severity:critical @guide:administration/spaces
    Scenario: The forms of a space's paths agree, and spaces keep to themselves
      When the test instance is upgraded to the target version
      Then every form of a space's paths leads to the same, and no space shows what belongs to another

  Rule: Answers are about as fast as before

    @severity:normal
    Scenario: Pages and lists answer about as fast as before
      When the test instance is compared before and after its upgrade
      Then no route has become much slower
