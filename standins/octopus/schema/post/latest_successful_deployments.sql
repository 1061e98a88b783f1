-- The view's name is in dumps of a 2018.x database; its text is the stand-in's own.
CREATE VIEW dbo.[LatestSuccessfulDeployments] AS
SELECT d.[Id], d.[ProjectId], d.[EnvironmentId], d.[TenantId], d.[ReleaseId], d.[ChannelId], d.[TaskId], t.[CompletedTime]
FROM dbo.[Deployment] d
JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId]
WHERE t.[State] = N'Success' AND NOT EXISTS (
    SELECT 1 FROM dbo.[Deployment] d2
    JOIN dbo.[ServerTask] t2 ON t2.[Id] = d2.[TaskId]
    WHERE t2.[State] = N'Success' AND d2.[ProjectId] = d.[ProjectId] AND d2.[EnvironmentId] = d.[EnvironmentId]
      AND (d2.[TenantId] = d.[TenantId] OR (d2.[TenantId] IS NULL AND d.[TenantId] IS NULL))
      AND d2.[Created] > d.[Created]
)
