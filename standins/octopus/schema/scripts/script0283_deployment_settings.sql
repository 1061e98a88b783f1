-- 2021.2: a project's deployment settings became a resource of their own (version test of OctopusCLI).
CREATE TABLE dbo.[DeploymentSettings] (
    [Id] nvarchar(150) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_DeploymentSettings_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_DeploymentSettings_ProjectId] ON dbo.[DeploymentSettings] ([ProjectId])
