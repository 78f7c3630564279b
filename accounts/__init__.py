"""Who may do what: tenants, their users, groups and credentials, tokens, permissions, and the doors of API and portal
(authentication, the permission class, idempotent writes). The lowest floor: it imports no other app."""
