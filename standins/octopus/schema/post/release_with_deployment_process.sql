-- It selects *, so it must be refreshed after a column was added: OctopusDeploy/Issues#5252.
CREATE VIEW dbo.[Release_WithDeploymentProcess] AS
SELECT r.*, p.[JSON] AS [DeploymentProcessSnapshot_JSON] FROM dbo.[Release] r
LEFT JOIN dbo.[DeploymentProcess] p ON p.[Id] = r.[ProjectDeploymentProcessSnapshotId]
