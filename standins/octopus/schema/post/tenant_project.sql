-- The view's name is in dumps of a 2018.x database; its text is the stand-in's own.
CREATE VIEW dbo.[TenantProject] AS
SELECT t.[Id] AS [TenantId], p.[Id] AS [ProjectId] FROM dbo.[Tenant] t
JOIN dbo.[Project] p ON CHARINDEX(N'|' + p.[Id] + N'|', t.[ProjectIds]) > 0
