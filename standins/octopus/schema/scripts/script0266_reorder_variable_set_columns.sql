-- The real script copies the table ("requires approximately 32GB of free disk space", OctopusDeploy/Issues#6983), so does this one.
CREATE TABLE dbo.[VariableSet_Reordered] (
    [Id] nvarchar(150) NOT NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [OwnerId] nvarchar(150) NOT NULL,
    [Version] int NOT NULL,
    [IsFrozen] bit NOT NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_VariableSet_Reordered_Id] PRIMARY KEY CLUSTERED ([Id])
)
GO
INSERT INTO dbo.[VariableSet_Reordered] ([Id], [SpaceId], [OwnerId], [Version], [IsFrozen], [RelatedDocumentIds], [JSON])
SELECT [Id], [SpaceId], [OwnerId], [Version], [IsFrozen], [RelatedDocumentIds], [JSON] FROM dbo.[VariableSet]
GO
DROP TABLE dbo.[VariableSet]
GO
EXEC sp_rename N'dbo.VariableSet_Reordered', N'VariableSet'
GO
EXEC sp_rename N'dbo.PK_VariableSet_Reordered_Id', N'PK_VariableSet_Id'
GO
CREATE INDEX [IX_VariableSet_OwnerId] ON dbo.[VariableSet] ([OwnerId])
