-- From 2021.1.8018 a target says what kind it is; the licence check of later versions reads it (OctopusDeploy/Issues#9141).
ALTER TABLE dbo.[Machine] ADD [DeploymentTargetType] nvarchar(50) NULL
GO
UPDATE dbo.[Machine] SET [DeploymentTargetType] = [CommunicationStyle]
