-- 2019.4: what build servers say about a package (OctopusClients 6.0.2 to 7.0.5). The index is the one of OctopusDeploy/Issues#5913.
CREATE TABLE dbo.[PackageMetadata] (
    [Id] nvarchar(50) NOT NULL,
    [PackageId] nvarchar(100) NOT NULL,
    [Version] nvarchar(349) NOT NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_PackageMetadata_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_PackageMetadata_PackageId_Version_SpaceId] UNIQUE ([PackageId], [Version], [SpaceId])
)
