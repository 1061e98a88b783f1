-- 2020.3 rewrote the rows of Event (OctopusDeploy/Issues#6483); the column is in later schemas.
ALTER TABLE dbo.[Event] ADD [UserAgent] nvarchar(100) NULL
GO
UPDATE dbo.[Event] SET [UserAgent] = JSON_VALUE([JSON], '$.UserAgent')
