-- The real script leaves this table behind: it is in a public dump of a 2018.x database.
CREATE TABLE dbo.[Script0129RepairLegacyLibraryVariableSet] (
    [Id] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL
)
