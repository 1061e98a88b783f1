-- The name is real and is what later versions do not know: OctopusDeploy/Issues#7790.
DELETE FROM dbo.[ServerTask] WHERE [State] = N'Queued' AND [Name] = N'Cleanup'
