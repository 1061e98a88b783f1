"""Who may do what: logins and server roles of the server, users, roles and permissions of each database."""
