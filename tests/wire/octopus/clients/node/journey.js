// What a build server does with Octopus Deploy's own TypeScript client: OCTOPUS_URL, OCTOPUS_API_KEY; arguments are the
// package file and what to name things. Prints one line of JSON.
"use strict";
const octopus = require("@octopusdeploy/api-client");

const [packageFile, packageId, name] = process.argv.slice(2);
const space = "Default";
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function main() {
    const client = await octopus.Client.create({
        instanceURL: process.env.OCTOPUS_URL,
        apiKey: process.env.OCTOPUS_API_KEY,
        userAgentApp: "tidegate",
        logging: quiet,
    });
    const seen = {};
    const me = await octopus.userGetCurrent(client);
    seen.me = me.Username;
    const server = await client.getServerInformation();
    seen.version = server.version;
    seen.executions = await octopus.checkForCapability(client, "CreateReleaseCommandV1");

    const environments = new octopus.EnvironmentRepository(client, space);
    const environment = await environments.create({ Name: `${name} test` });
    seen.environments = (await environments.list({ partialName: name })).Items.map((item) => item.Name);

    const group = (await new octopus.ProjectGroupRepository(client, space).list({ take: 1 })).Items[0];
    const lifecycle = await new octopus.LifecycleRepository(client, space).create({
        Name: name,
        Phases: [{ Name: "Only", OptionalDeploymentTargets: [environment.Id], AutomaticDeploymentTargets: [] }],
    });
    const projects = new octopus.ProjectRepository(client, space);
    let project = await projects.create({
        Name: name,
        ProjectGroupId: group.Id,
        LifecycleId: lifecycle.Id,
        TenantedDeploymentMode: "TenantedOrUntenanted",
    });
    project = await projects.modify({ ...project, Description: "changed" });
    seen.project = [project.Name, project.Slug, (await projects.get(project.Id)).Description];

    const processes = new octopus.DeploymentProcessRepository(client, space);
    const process_ = await processes.get(project);
    const script = (body, own) => ({
        Name: "Say",
        Properties: {},
        Condition: "Success",
        StartTrigger: "StartAfterPrevious",
        PackageRequirement: "LetOctopusDecide",
        Actions: [
            {
                Name: "Say",
                ActionType: "Octopus.Script",
                Properties: {
                    "Octopus.Action.RunOnServer": "true",
                    "Octopus.Action.Script.ScriptSource": "Inline",
                    "Octopus.Action.Script.Syntax": "Bash",
                    "Octopus.Action.Script.ScriptBody": body,
                },
                ...own,
            },
        ],
    });
    const used = { Name: "tool", PackageId: packageId, FeedId: "feeds-builtin", AcquisitionLocation: "Server", Properties: {} };
    process_.Steps = [script("echo hello from $(get_octopusvariable 'Octopus.Release.Number')", { Packages: [used] })];
    await processes.update(project, process_);

    const packages = new octopus.PackageRepository(client, space);
    await packages.push([packageFile]);
    seen.packages = (await packages.list({ nuGetPackageId: packageId })).Items.map((item) => item.Version);
    seen.pushedTwice = await packages.push([packageFile]).then(() => "accepted", (error) => String(error));

    await new octopus.BuildInformationRepository(client, space).push({
        spaceName: space,
        BuildEnvironment: "Jenkins",
        BuildNumber: "7",
        BuildUrl: "https://build.example.test/7",
        Branch: "main",
        VcsType: "Git",
        VcsRoot: "https://git.example.test/shop",
        VcsCommitNumber: "abc123",
        Packages: [{ Id: packageId, Version: "1.0.0" }],
        Commits: [{ Id: "abc123", Comment: "made it" }],
    });

    const releases = new octopus.ReleaseRepository(client, space);
    const made = await releases.create({ spaceName: space, ProjectName: name, ReleaseVersion: "1.0.0", PackageVersion: "1.0.0" });
    seen.release = made.ReleaseVersion;
    seen.releases = (await releases.list({ take: 5 })).Items.filter((item) => item.ProjectId === project.Id).length;

    const waiter = new octopus.ServerTaskWaiter(client, space);
    const ended = async (tasks) =>
        (await waiter.waitForServerTasksToComplete(tasks.map((task) => task.ServerTaskId), 200, 60000)).map((task) => task.State);

    const deployments = new octopus.DeploymentRepository(client, space);
    const deployed = await deployments.create({
        spaceName: space,
        ProjectName: name,
        ReleaseVersion: "1.0.0",
        EnvironmentNames: [environment.Name],
    });
    seen.deployment = await ended(deployed.DeploymentServerTasks);
    seen.deployments = (await deployments.list({ projects: [project.Id] })).TotalResults;

    const tenants = new octopus.TenantRepository(client, space);
    let tenant = await tenants.create({ Name: `${name} tenant`, TenantTags: [], ProjectEnvironments: { [project.Id]: [environment.Id] } });
    tenant = await tenants.modify({ ...tenant, Description: "changed" });
    seen.tenant = [(await tenants.get(tenant.Id)).Description, (await tenants.getVariables(tenant)).TenantName];
    const forTenant = await deployments.createTenanted({
        spaceName: space,
        ProjectName: name,
        ReleaseVersion: "1.0.0",
        EnvironmentName: environment.Name,
        Tenants: [tenant.Name],
    });
    seen.tenanted = await ended(forTenant.DeploymentServerTasks);

    const runbooks = new octopus.RunbookRepository(client, space, project);
    const runbook = await runbooks.create({
        Name: "Tidy",
        ProjectId: project.Id,
        Description: "",
        EnvironmentScope: "All",
        Environments: [],
        DefaultGuidedFailureMode: "EnvironmentDefault",
        ForcePackageDownload: false,
        MultiTenancyMode: "TenantedOrUntenanted",
        ConnectivityPolicy: { AllowDeploymentsToNoTargets: true, ExcludeUnhealthyTargets: false, SkipMachineBehavior: "None", TargetRoles: [] },
        RunRetentionPolicy: { QuantityToKeep: 100, ShouldKeepForever: false, Unit: "Items" },
    });
    const runbookProcesses = new octopus.RunbookProcessRepository(client, space, project);
    const runbookProcess = await runbookProcesses.get(runbook);
    runbookProcess.Steps = [script("echo tidying", {})];
    await runbookProcesses.update(runbookProcess);
    await new octopus.RunbookSnapshotRepository(client, space, project).create(runbook, "First", true);
    const runs = new octopus.RunbookRunRepository(client, space);
    const run = await runs.create({ spaceName: space, ProjectName: name, RunbookName: "Tidy", EnvironmentNames: [environment.Name] });
    seen.run = await ended(run.RunbookRunServerTasks);
    seen.runs = (await runs.list({ runbooks: [runbook.Id] })).TotalResults;

    seen.refused = await deployments
        .create({ spaceName: space, ProjectName: "No such project", ReleaseVersion: "1.0.0", EnvironmentNames: [environment.Name] })
        .then(() => "accepted", (error) => `${error.StatusCode}: ${error.message}`);
    await tenants.del(tenant);
    console.log(JSON.stringify(seen));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
