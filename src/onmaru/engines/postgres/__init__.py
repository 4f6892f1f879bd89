"""The store on PostgreSQL: one schema a tenant, several workers on one database, each append under the head row's lock."""
