-- 2022.4 (OctopusClients 13 to 14)
ALTER TABLE dbo.[Space] ADD [Slug] nvarchar(210) NULL
GO
UPDATE dbo.[Space] SET [Slug] = LOWER(REPLACE([Name], ' ', '-'))
