-- 2022.1: Git credentials of a space, for projects kept in Git (OctopusClients 12).
CREATE TABLE dbo.[GitCredential] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_GitCredential_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_GitCredential_Name_SpaceId] UNIQUE NONCLUSTERED ([Name], [SpaceId])
)
