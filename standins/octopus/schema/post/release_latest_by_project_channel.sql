-- It selects *, so it must be refreshed after a column was added: OctopusDeploy/Issues#5252.
CREATE VIEW dbo.[Release_LatestByProjectChannel] AS
SELECT r.* FROM dbo.[Release] r
WHERE NOT EXISTS (
    SELECT 1 FROM dbo.[Release] newer
    WHERE newer.[ProjectId] = r.[ProjectId]
      AND (newer.[ChannelId] = r.[ChannelId] OR (newer.[ChannelId] IS NULL AND r.[ChannelId] IS NULL))
      AND (newer.[Assembled] > r.[Assembled] OR (newer.[Assembled] = r.[Assembled] AND newer.[Id] > r.[Id]))
)
