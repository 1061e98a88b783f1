-- 2019.11: runbooks (routes and resources of OctopusClients 7.0.5 to 8.0.1; a project's operations beside its deployments).

CREATE TABLE dbo.[Runbook] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [RunbookProcessId] nvarchar(150) NULL,
    [PublishedRunbookSnapshotId] nvarchar(150) NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Runbook_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Runbook_ProjectId_Name_SpaceId] UNIQUE ([ProjectId], [Name], [SpaceId])
)

CREATE TABLE dbo.[RunbookProcess] (
    [Id] nvarchar(150) NOT NULL,
    [OwnerId] nvarchar(50) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [IsFrozen] bit NOT NULL,
    [Version] int NOT NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_RunbookProcess_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_RunbookProcess_OwnerId] ON dbo.[RunbookProcess] ([OwnerId])

CREATE TABLE dbo.[RunbookSnapshot] (
    [Id] nvarchar(150) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Assembled] datetimeoffset NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [RunbookId] nvarchar(50) NOT NULL,
    [ProjectVariableSetSnapshotId] nvarchar(150) NULL,
    [FrozenRunbookProcessId] nvarchar(150) NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_RunbookSnapshot_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_RunbookSnapshot_Name_RunbookId_SpaceId] UNIQUE ([Name], [RunbookId], [SpaceId])
)

CREATE TABLE dbo.[RunbookRun] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [EnvironmentId] nvarchar(50) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [RunbookId] nvarchar(50) NOT NULL,
    [RunbookSnapshotId] nvarchar(150) NOT NULL,
    [TaskId] nvarchar(50) NOT NULL,
    [TenantId] nvarchar(50) NULL,
    [DeployedBy] nvarchar(200) NULL,
    [DeployedToMachineIds] nvarchar(max) NULL,
    [SpaceId] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_RunbookRun_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_RunbookRun_RunbookId] ON dbo.[RunbookRun] ([RunbookId])
CREATE INDEX [IX_RunbookRun_TaskId] ON dbo.[RunbookRun] ([TaskId])

CREATE TABLE dbo.[RunbookRunRelatedMachine] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [RunbookRunId] nvarchar(50) NOT NULL,
    [MachineId] nvarchar(50) NOT NULL,
    CONSTRAINT [PK_RunbookRunRelatedMachine_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_RunbookRunRelatedMachine_RunbookRunId] ON dbo.[RunbookRunRelatedMachine] ([RunbookRunId])
GO
ALTER TABLE dbo.[ServerTask] ADD [RunbookId] nvarchar(50) NULL
