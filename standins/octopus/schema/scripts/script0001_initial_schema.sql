-- The schema before Spaces. Tables, columns, widths and unique keys as two public dumps of a 2018.x database show them.

CREATE TABLE dbo.[Account] (
    [Id] nvarchar(210) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [AccountType] nvarchar(50) NOT NULL,
    [EnvironmentIds] nvarchar(max) NULL,
    [TenantIds] nvarchar(max) NULL,
    [TenantTags] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Account_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Account_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[ActionTemplate] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Version] int NOT NULL,
    [ActionType] nvarchar(50) NOT NULL,
    [CommunityActionTemplateId] nvarchar(50) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_ActionTemplate_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_ActionTemplate_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[ActionTemplateVersion] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Version] int NOT NULL,
    [LatestActionTemplateId] nvarchar(50) NOT NULL,
    [ActionType] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_ActionTemplateVersion_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_ActionTemplateVersion_Name_Version] UNIQUE ([Name], [Version])
)
CREATE INDEX [IX_ActionTemplateVersion_LatestActionTemplateId] ON dbo.[ActionTemplateVersion] ([LatestActionTemplateId])

CREATE TABLE dbo.[ApiKey] (
    [Id] nvarchar(50) NOT NULL,
    [UserId] nvarchar(50) NOT NULL,
    [ApiKeyHashed] nvarchar(200) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_ApiKey_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_ApiKey_ApiKeyHashed] UNIQUE ([ApiKeyHashed])
)
CREATE INDEX [IX_ApiKey_UserId] ON dbo.[ApiKey] ([UserId])

CREATE TABLE dbo.[Artifact] (
    [Id] nvarchar(50) NOT NULL,
    [Filename] nvarchar(200) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [ProjectId] nvarchar(50) NULL,
    [EnvironmentId] nvarchar(50) NULL,
    [TenantId] nvarchar(50) NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Artifact_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[Certificate] (
    [Id] varchar(210) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Thumbprint] nvarchar(128) NOT NULL,
    [NotAfter] datetimeoffset NOT NULL,
    [Subject] nvarchar(max) NOT NULL,
    [EnvironmentIds] nvarchar(max) NULL,
    [TenantIds] nvarchar(max) NULL,
    [TenantTags] nvarchar(max) NULL,
    [Archived] datetimeoffset NULL,
    [Created] datetimeoffset NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Certificate_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_Certificate_Thumbprint] ON dbo.[Certificate] ([Thumbprint])

CREATE TABLE dbo.[Channel] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [LifecycleId] nvarchar(50) NULL,
    [TenantTags] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Channel_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Channel_Name_ProjectId] UNIQUE ([Name], [ProjectId])
)
CREATE INDEX [IX_Channel_ProjectId] ON dbo.[Channel] ([ProjectId])

CREATE TABLE dbo.[CommunityActionTemplate] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ExternalId] uniqueidentifier NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_CommunityActionTemplate_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_CommunityActionTemplate_Name] UNIQUE ([Name]),
    CONSTRAINT [UQ_CommunityActionTemplate_ExternalId] UNIQUE ([ExternalId])
)

CREATE TABLE dbo.[Configuration] (
    [Id] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Configuration_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[DashboardConfiguration] (
    [Id] nvarchar(50) NOT NULL,
    [IncludedProjectIds] nvarchar(max) NULL,
    [IncludedEnvironmentIds] nvarchar(max) NULL,
    [IncludedTenantIds] nvarchar(max) NULL,
    [IncludedProjectGroupIds] nvarchar(max) NULL,
    [IncludedTenantTags] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_DashboardConfiguration_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[Deployment] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [EnvironmentId] nvarchar(50) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [ReleaseId] nvarchar(150) NOT NULL,
    [ProjectGroupId] nvarchar(50) NULL,
    [TaskId] nvarchar(50) NOT NULL,
    [TenantId] nvarchar(50) NULL,
    [ChannelId] nvarchar(50) NULL,
    [DeployedBy] nvarchar(200) NULL,
    [DeployedToMachineIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Deployment_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_Deployment_ProjectId_EnvironmentId] ON dbo.[Deployment] ([ProjectId], [EnvironmentId])
CREATE INDEX [IX_Deployment_ReleaseId] ON dbo.[Deployment] ([ReleaseId])
CREATE INDEX [IX_Deployment_TaskId] ON dbo.[Deployment] ([TaskId])
CREATE INDEX [IX_Deployment_Created] ON dbo.[Deployment] ([Created])

CREATE TABLE dbo.[DeploymentEnvironment] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [SortOrder] int NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_DeploymentEnvironment_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_DeploymentEnvironment_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[DeploymentProcess] (
    [Id] nvarchar(150) NOT NULL,
    [OwnerId] nvarchar(50) NOT NULL,
    [IsFrozen] bit NOT NULL,
    [Version] int NOT NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_DeploymentProcess_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_DeploymentProcess_OwnerId] ON dbo.[DeploymentProcess] ([OwnerId])

CREATE TABLE dbo.[Event] (
    [Id] nvarchar(50) NOT NULL,
    [AutoId] bigint IDENTITY(1,1) NOT NULL,
    [Category] nvarchar(50) NOT NULL,
    [UserId] nvarchar(50) NOT NULL,
    [Username] nvarchar(200) NOT NULL,
    [Occurred] datetimeoffset NOT NULL,
    [Message] nvarchar(max) NOT NULL,
    [ProjectId] nvarchar(50) NULL,
    [EnvironmentId] nvarchar(50) NULL,
    [TenantId] nvarchar(50) NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Event_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_Event_Occurred] ON dbo.[Event] ([Occurred])
CREATE INDEX [IX_Event_AutoId] ON dbo.[Event] ([AutoId])

CREATE TABLE dbo.[ExtensionConfiguration] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(1000) NULL,
    [ExtensionAuthor] nvarchar(1000) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_ExtensionConfiguration_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[Feed] (
    [Id] nvarchar(210) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [FeedType] nvarchar(50) NOT NULL,
    [FeedUri] nvarchar(512) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Feed_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Feed_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Interruption] (
    [Id] nvarchar(50) NOT NULL,
    [Title] nvarchar(200) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [Status] nvarchar(50) NOT NULL,
    [TaskId] nvarchar(50) NULL,
    [ProjectId] nvarchar(50) NULL,
    [EnvironmentId] nvarchar(50) NULL,
    [TenantId] nvarchar(50) NULL,
    [ResponsibleTeamIds] nvarchar(max) NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Interruption_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_Interruption_TaskId] ON dbo.[Interruption] ([TaskId])

CREATE TABLE dbo.[Invitation] (
    [Id] nvarchar(50) NOT NULL,
    [InvitationCode] uniqueidentifier NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Invitation_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Invitation_InvitationCode] UNIQUE ([InvitationCode])
)

CREATE TABLE dbo.[LibraryVariableSet] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ContentType] nvarchar(50) NOT NULL,
    [VariableSetId] nvarchar(150) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_LibraryVariableSet_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_LibraryVariableSet_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Lifecycle] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Lifecycle_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Lifecycle_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Machine] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [IsDisabled] bit NOT NULL,
    [Roles] nvarchar(max) NOT NULL,
    [EnvironmentIds] nvarchar(max) NOT NULL,
    [TenantIds] nvarchar(max) NULL,
    [TenantTags] nvarchar(max) NULL,
    [CommunicationStyle] nvarchar(50) NOT NULL,
    [Thumbprint] nvarchar(50) NULL,
    [Fingerprint] nvarchar(50) NULL,
    [MachinePolicyId] nvarchar(50) NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Machine_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Machine_Name] UNIQUE ([Name])
)
CREATE INDEX [IX_Machine_MachinePolicyId] ON dbo.[Machine] ([MachinePolicyId])

CREATE TABLE dbo.[MachinePolicy] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [IsDefault] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_MachinePolicy_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_MachinePolicy_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Mutex] (
    [Id] nvarchar(450) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Mutex_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[NuGetPackage] (
    [Id] nvarchar(450) NOT NULL,
    [PackageId] nvarchar(100) NOT NULL,
    [Version] nvarchar(349) NOT NULL,
    [VersionMajor] int NOT NULL,
    [VersionMinor] int NOT NULL,
    [VersionBuild] int NOT NULL,
    [VersionRevision] int NOT NULL,
    [VersionSpecial] nvarchar(250) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_NuGetPackage_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_NuGetPackage_PackageId] ON dbo.[NuGetPackage] ([PackageId])

CREATE TABLE dbo.[OctopusServerInstallationHistory] (
    [Id] nvarchar(50) NOT NULL,
    [Node] nvarchar(200) NULL,
    [Version] nvarchar(50) NULL,
    [Installed] datetimeoffset NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_OctopusServerInstallationHistory_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[OctopusServerNode] (
    [Id] nvarchar(250) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [LastSeen] datetimeoffset NOT NULL,
    [Rank] nvarchar(50) NOT NULL,
    [MaxConcurrentTasks] int NOT NULL,
    [IsInMaintenanceMode] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_OctopusServerNode_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_OctopusServerNode_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Project] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Slug] nvarchar(210) NOT NULL,
    [IsDisabled] bit NOT NULL,
    [VariableSetId] nvarchar(150) NULL,
    [DeploymentProcessId] nvarchar(50) NULL,
    [ProjectGroupId] nvarchar(50) NOT NULL,
    [LifecycleId] nvarchar(50) NOT NULL,
    [AutoCreateRelease] bit NOT NULL,
    [DiscreteChannelRelease] bit NOT NULL,
    [IncludedLibraryVariableSetIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Project_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Project_Name] UNIQUE ([Name]),
    CONSTRAINT [UQ_Project_Slug] UNIQUE ([Slug])
)
CREATE INDEX [IX_Project_ProjectGroupId] ON dbo.[Project] ([ProjectGroupId])
CREATE INDEX [IX_Project_LifecycleId] ON dbo.[Project] ([LifecycleId])

CREATE TABLE dbo.[ProjectGroup] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_ProjectGroup_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_ProjectGroup_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[ProjectTrigger] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [IsDisabled] bit NOT NULL,
    [TriggerType] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_ProjectTrigger_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_ProjectTrigger_ProjectId_Name] UNIQUE ([ProjectId], [Name])
)

CREATE TABLE dbo.[Proxy] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Proxy_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Proxy_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Release] (
    [Id] nvarchar(150) NOT NULL,
    [Version] nvarchar(349) NOT NULL,
    [Assembled] datetimeoffset NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [ChannelId] nvarchar(50) NULL,
    [ProjectVariableSetSnapshotId] nvarchar(150) NULL,
    [ProjectDeploymentProcessSnapshotId] nvarchar(150) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Release_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Release_Version_ProjectId] UNIQUE ([Version], [ProjectId])
)
CREATE INDEX [IX_Release_ProjectId_Assembled] ON dbo.[Release] ([ProjectId], [Assembled])
CREATE INDEX [IX_Release_ChannelId] ON dbo.[Release] ([ChannelId])
CREATE INDEX [IX_Release_Assembled] ON dbo.[Release] ([Assembled])

CREATE TABLE dbo.[ServerTask] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(50) NOT NULL,
    [Description] nvarchar(max) NOT NULL,
    [QueueTime] datetimeoffset NOT NULL,
    [StartTime] datetimeoffset NULL,
    [CompletedTime] datetimeoffset NULL,
    [ErrorMessage] nvarchar(max) NULL,
    [ConcurrencyTag] nvarchar(100) NULL,
    [State] nvarchar(50) NOT NULL,
    [HasPendingInterruptions] bit NOT NULL,
    [HasWarningsOrErrors] bit NOT NULL,
    [ServerNodeId] nvarchar(250) NULL,
    [ProjectId] nvarchar(50) NULL,
    [EnvironmentId] nvarchar(50) NULL,
    [TenantId] nvarchar(50) NULL,
    [DurationSeconds] int NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_ServerTask_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_ServerTask_State_QueueTime] ON dbo.[ServerTask] ([State], [QueueTime])
CREATE INDEX [IX_ServerTask_ProjectId] ON dbo.[ServerTask] ([ProjectId])
CREATE INDEX [IX_ServerTask_QueueTime] ON dbo.[ServerTask] ([QueueTime])

CREATE TABLE dbo.[Subscription] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [Type] nvarchar(50) NOT NULL,
    [IsDisabled] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Subscription_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Subscription_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[TagSet] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [SortOrder] int NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_TagSet_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_TagSet_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Team] (
    [Id] nvarchar(100) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [MemberUserIds] nvarchar(max) NOT NULL,
    [ProjectIds] nvarchar(max) NULL,
    [EnvironmentIds] nvarchar(max) NULL,
    [ProjectGroupIds] nvarchar(max) NULL,
    [TenantIds] nvarchar(max) NULL,
    [TenantTags] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Team_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Team_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[Tenant] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [ProjectIds] nvarchar(max) NULL,
    [TenantTags] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    [DataVersion] rowversion NOT NULL,
    CONSTRAINT [PK_Tenant_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Tenant_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[TenantVariable] (
    [Id] nvarchar(50) NOT NULL,
    [TenantId] nvarchar(50) NOT NULL,
    [OwnerId] nvarchar(50) NOT NULL,
    [EnvironmentId] nvarchar(50) NULL,
    [VariableTemplateId] nvarchar(50) NOT NULL,
    [RelatedDocumentId] nvarchar(250) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_TenantVariable_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_TenantVariable_TenantId] ON dbo.[TenantVariable] ([TenantId])
CREATE INDEX [IX_TenantVariable_OwnerId] ON dbo.[TenantVariable] ([OwnerId])

CREATE TABLE dbo.[User] (
    [Id] nvarchar(50) NOT NULL,
    [Username] nvarchar(200) NOT NULL,
    [DisplayName] nvarchar(200) NULL,
    [EmailAddress] nvarchar(400) NULL,
    [ExternalId] nvarchar(400) NULL,
    [ExternalIdentifiers] nvarchar(max) NULL,
    [IdentificationToken] uniqueidentifier NOT NULL,
    [IsActive] bit NOT NULL,
    [IsService] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_User_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_User_Username] UNIQUE ([Username])
)

CREATE TABLE dbo.[UserRole] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_UserRole_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_UserRole_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[VariableSet] (
    [Id] nvarchar(150) NOT NULL,
    [OwnerId] nvarchar(150) NOT NULL,
    [Version] int NOT NULL,
    [IsFrozen] bit NOT NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_VariableSet_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_VariableSet_OwnerId] ON dbo.[VariableSet] ([OwnerId])

CREATE TABLE dbo.[Worker] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [IsDisabled] bit NOT NULL,
    [CommunicationStyle] nvarchar(50) NOT NULL,
    [Thumbprint] nvarchar(50) NULL,
    [Fingerprint] nvarchar(50) NULL,
    [MachinePolicyId] nvarchar(50) NULL,
    [WorkerPoolIds] nvarchar(max) NOT NULL,
    [RelatedDocumentIds] nvarchar(max) NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_Worker_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_Worker_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[WorkerPool] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [SortOrder] int NOT NULL,
    [IsDefault] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_WorkerPool_Id] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [UQ_WorkerPool_Name] UNIQUE ([Name])
)

CREATE TABLE dbo.[WorkerTaskLease] (
    [Id] nvarchar(50) NOT NULL,
    [Name] nvarchar(200) NOT NULL,
    [WorkerId] nvarchar(50) NOT NULL,
    [TaskId] nvarchar(50) NOT NULL,
    [Exclusive] bit NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_WorkerTaskLease_Id] PRIMARY KEY CLUSTERED ([Id])
)

CREATE TABLE dbo.[KeyAllocation] (
    [CollectionName] nvarchar(50) NOT NULL,
    [Allocated] int NOT NULL,
    CONSTRAINT [PK_KeyAllocation_CollectionName] PRIMARY KEY CLUSTERED ([CollectionName])
)

CREATE TABLE dbo.[DeploymentHistory] (
    [DeploymentId] nvarchar(50) NOT NULL,
    [DeploymentName] nvarchar(200) NOT NULL,
    [ProjectId] nvarchar(50) NOT NULL,
    [ProjectName] nvarchar(200) NOT NULL,
    [ProjectSlug] nvarchar(210) NOT NULL,
    [TenantId] nvarchar(50) NULL,
    [TenantName] nvarchar(200) NULL,
    [ChannelId] nvarchar(50) NULL,
    [ChannelName] nvarchar(200) NULL,
    [EnvironmentId] nvarchar(50) NOT NULL,
    [EnvironmentName] nvarchar(200) NOT NULL,
    [ReleaseId] nvarchar(150) NOT NULL,
    [ReleaseVersion] nvarchar(349) NOT NULL,
    [TaskId] nvarchar(50) NOT NULL,
    [TaskState] nvarchar(50) NOT NULL,
    [Created] datetimeoffset NOT NULL,
    [QueueTime] datetimeoffset NOT NULL,
    [StartTime] datetimeoffset NULL,
    [CompletedTime] datetimeoffset NULL,
    [DurationSeconds] int NULL,
    [DeployedBy] nvarchar(200) NULL,
    CONSTRAINT [PK_DeploymentHistory_DeploymentId] PRIMARY KEY CLUSTERED ([DeploymentId])
)

CREATE TABLE dbo.[DeploymentRelatedMachine] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [DeploymentId] nvarchar(50) NOT NULL,
    [MachineId] nvarchar(50) NOT NULL,
    CONSTRAINT [PK_DeploymentRelatedMachine_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_DeploymentRelatedMachine_DeploymentId] ON dbo.[DeploymentRelatedMachine] ([DeploymentId])
CREATE INDEX [IX_DeploymentRelatedMachine_MachineId] ON dbo.[DeploymentRelatedMachine] ([MachineId])

CREATE TABLE dbo.[EventRelatedDocument] (
    [Id] int IDENTITY(1,1) NOT NULL,
    [EventId] nvarchar(50) NOT NULL,
    [RelatedDocumentId] nvarchar(250) NOT NULL,
    CONSTRAINT [PK_EventRelatedDocument_Id] PRIMARY KEY CLUSTERED ([Id])
)
CREATE INDEX [IX_EventRelatedDocument_EventId] ON dbo.[EventRelatedDocument] ([EventId])
CREATE INDEX [IX_EventRelatedDocument_RelatedDocumentId] ON dbo.[EventRelatedDocument] ([RelatedDocumentId])
