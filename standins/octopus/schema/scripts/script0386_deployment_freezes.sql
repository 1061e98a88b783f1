-- 2024.3: times in which projects are not deployed (OctopusClients 14.3, between 14.3.937 and 14.3.1759).
CREATE TABLE dbo.[DeploymentFreeze] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_DeploymentFreeze_Id] PRIMARY KEY CLUSTERED ([Id])
)
