-- 2019.1: OctopusServerNode lost LastSeen and Rank (OctopusClients 4.45.0 to 6.0.2); the heartbeat has a table of its own.
-- The table's name is in the documented clean-up of a cloned database; its version and columns are deduced.
CREATE TABLE dbo.[OctopusServerNodeStatus] (
    [Id] nvarchar(250) NOT NULL,
    [OctopusServerNodeId] nvarchar(250) NOT NULL,
    [LastSeen] datetimeoffset NOT NULL,
    [Rank] nvarchar(50) NOT NULL,
    [JSON] nvarchar(max) NOT NULL,
    CONSTRAINT [PK_OctopusServerNodeStatus_Id] PRIMARY KEY CLUSTERED ([Id])
)
GO
INSERT INTO dbo.[OctopusServerNodeStatus] ([Id], [OctopusServerNodeId], [LastSeen], [Rank], [JSON])
SELECT [Id], [Id], [LastSeen], [Rank], N'{}' FROM dbo.[OctopusServerNode]
GO
ALTER TABLE dbo.[OctopusServerNode] DROP COLUMN [LastSeen]
GO
ALTER TABLE dbo.[OctopusServerNode] DROP COLUMN [Rank]
