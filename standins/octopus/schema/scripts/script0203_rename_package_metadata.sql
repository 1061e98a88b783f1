-- 2019.10: PackageMetadata became BuildInformation. A missing index makes the renaming fail: OctopusDeploy/Issues#5913.
EXEC sp_rename N'dbo.PackageMetadata', N'BuildInformation'
GO
EXEC sp_rename N'dbo.PK_PackageMetadata_Id', N'PK_BuildInformation_Id'
GO
EXEC sp_rename N'dbo.UQ_PackageMetadata_PackageId_Version_SpaceId', N'UQ_BuildInformation_PackageId_Version_SpaceId'
