-- The view's name is in dumps of a 2018.x database; its text is the stand-in's own.
CREATE VIEW dbo.[IdsInUse] AS
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Account' AS [Table] FROM dbo.[Account]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Artifact' AS [Table] FROM dbo.[Artifact]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Certificate' AS [Table] FROM dbo.[Certificate]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Channel' AS [Table] FROM dbo.[Channel]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Deployment' AS [Table] FROM dbo.[Deployment]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'DeploymentEnvironment' AS [Table] FROM dbo.[DeploymentEnvironment]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'DeploymentProcess' AS [Table] FROM dbo.[DeploymentProcess]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Feed' AS [Table] FROM dbo.[Feed]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'LibraryVariableSet' AS [Table] FROM dbo.[LibraryVariableSet]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Lifecycle' AS [Table] FROM dbo.[Lifecycle]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Machine' AS [Table] FROM dbo.[Machine]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'MachinePolicy' AS [Table] FROM dbo.[MachinePolicy]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Project' AS [Table] FROM dbo.[Project]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'ProjectGroup' AS [Table] FROM dbo.[ProjectGroup]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'ProjectTrigger' AS [Table] FROM dbo.[ProjectTrigger]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Release' AS [Table] FROM dbo.[Release]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'ServerTask' AS [Table] FROM dbo.[ServerTask]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'TagSet' AS [Table] FROM dbo.[TagSet]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Team' AS [Table] FROM dbo.[Team]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Tenant' AS [Table] FROM dbo.[Tenant]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'User' AS [Table] FROM dbo.[User]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'VariableSet' AS [Table] FROM dbo.[VariableSet]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'Worker' AS [Table] FROM dbo.[Worker]
UNION ALL
SELECT CAST([Id] AS nvarchar(250)) AS [Id], N'WorkerPool' AS [Table] FROM dbo.[WorkerPool]
