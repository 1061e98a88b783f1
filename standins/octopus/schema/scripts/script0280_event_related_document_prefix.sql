-- 2021.2 (OctopusDeploy/Issues#7077)
ALTER TABLE dbo.[EventRelatedDocument] ADD [RelatedDocumentIdPrefix] nvarchar(250) NULL
GO
UPDATE dbo.[EventRelatedDocument]
SET [RelatedDocumentIdPrefix] = LEFT([RelatedDocumentId], CHARINDEX('-', [RelatedDocumentId] + '-') - 1)
