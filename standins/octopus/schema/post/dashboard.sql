-- The view's name is in dumps of a 2018.x database; its text is the stand-in's own.
CREATE VIEW dbo.[Dashboard] AS
SELECT d.[Id], d.[Created], d.[ProjectId], d.[EnvironmentId], d.[ReleaseId], d.[TaskId], d.[ChannelId], d.[TenantId],
       r.[Version] AS [ReleaseVersion], t.[State], t.[QueueTime], t.[StartTime], t.[CompletedTime], t.[ErrorMessage],
       t.[HasPendingInterruptions], t.[HasWarningsOrErrors]
FROM dbo.[Deployment] d
JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId]
JOIN dbo.[Release] r ON r.[Id] = d.[ReleaseId]
WHERE d.[TenantId] IS NULL AND NOT EXISTS (
    SELECT 1 FROM dbo.[Deployment] newer
    WHERE newer.[ProjectId] = d.[ProjectId] AND newer.[EnvironmentId] = d.[EnvironmentId] AND newer.[Created] > d.[Created]
      AND newer.[TenantId] IS NULL
)
