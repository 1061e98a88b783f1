-- Slugs came with 2022.2 to 2022.3 (OctopusClients 12 to 13).
ALTER TABLE dbo.[DeploymentEnvironment] ADD [Slug] nvarchar(210) NULL
GO
UPDATE dbo.[DeploymentEnvironment] SET [Slug] = LOWER(REPLACE([Name], ' ', '-'))
