// The TypeScript client at a server older than the executions API: OCTOPUS_URL, OCTOPUS_API_KEY; the argument is a package file.
"use strict";
const path = require("path");
const octopus = require("@octopusdeploy/api-client");

const [packageFile] = process.argv.slice(2);
const space = "Default";
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function main() {
    const client = await octopus.Client.create({
        instanceURL: process.env.OCTOPUS_URL,
        apiKey: process.env.OCTOPUS_API_KEY,
        userAgentApp: "tidegate",
        logging: quiet,
    });
    const seen = { version: (await client.getServerInformation()).version };
    const packages = new octopus.PackageRepository(client, space);
    await packages.push([packageFile]);
    const id = path.basename(packageFile).replace(".1.0.0.zip", "");
    seen.pushed = (await packages.list({ nuGetPackageId: id })).TotalResults;
    seen.release = await new octopus.ReleaseRepository(client, space)
        .create({ spaceName: space, ProjectName: "Any", ReleaseVersion: "1.0.0" })
        .then(() => "accepted", (error) => error.message);
    console.log(JSON.stringify(seen));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
