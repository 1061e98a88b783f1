-- The names of both objects: dumps of a 2018.x database. What they do follows from how Octopus's document store uses them.
CREATE TYPE dbo.[ParameterList] AS TABLE ([ParameterValue] nvarchar(300) NULL)
GO
CREATE PROCEDURE dbo.[GetNextKeyBlock] @collectionName nvarchar(50), @blockSize int
AS
BEGIN
    SET NOCOUNT ON
    UPDATE dbo.[KeyAllocation] SET [Allocated] = [Allocated] + @blockSize WHERE [CollectionName] = @collectionName
    IF @@ROWCOUNT = 0
        INSERT INTO dbo.[KeyAllocation] ([CollectionName], [Allocated]) VALUES (@collectionName, @blockSize)
    SELECT [Allocated] FROM dbo.[KeyAllocation] WHERE [CollectionName] = @collectionName
END
