"""PostgreSQL, Redis, web, worker and beat as processes of one machine; no Django in here."""
