-- The roles and the database, made once by a superuser, before the first migration.
--
--   TIERGATE_OWNER_PASSWORD=… TIERGATE_APP_PASSWORD=… TIERGATE_SWEEP_PASSWORD=… TIERGATE_BACKUP_PASSWORD=… \
--     psql --no-psqlrc --set ON_ERROR_STOP=1 --file deploy/roles.sql --dbname postgres
--
-- Every right on a table is given by a migration: nothing is given here by default. Run again, it sets the passwords.

\set ON_ERROR_STOP 1
\getenv owner_password TIERGATE_OWNER_PASSWORD
\getenv app_password TIERGATE_APP_PASSWORD
\getenv sweep_password TIERGATE_SWEEP_PASSWORD
\getenv backup_password TIERGATE_BACKUP_PASSWORD

-- A password that is not set is an error, not a role that anybody may enter.
SELECT :'owner_password' <> '' AND :'app_password' <> '' AND :'sweep_password' <> '' AND :'backup_password' <> '' AS is_whole \gset
\if :is_whole
\else
  DO $$ BEGIN RAISE EXCEPTION 'a password is empty'; END $$;
\endif

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['tiergate_owner', 'tiergate_app', 'tiergate_sweep', 'tiergate_backup']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- Row-level security holds for the first three, the owner included.
ALTER ROLE tiergate_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'owner_password';
ALTER ROLE tiergate_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'app_password';
ALTER ROLE tiergate_sweep LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'sweep_password';
-- A backup must hold every tenant's rows, so this one passes by the policies; it can write nothing.
ALTER ROLE tiergate_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'backup_password';
ALTER ROLE tiergate_backup SET default_transaction_read_only = on;
GRANT pg_read_all_data TO tiergate_backup;

-- A statement that a serving role forgot to end must not hold locks for ever; a dump may take its time.
ALTER ROLE tiergate_app SET idle_in_transaction_session_timeout = '60s';

SELECT 'CREATE DATABASE tiergate OWNER tiergate_owner TEMPLATE template0 ENCODING ''UTF8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tiergate') \gexec

REVOKE ALL ON DATABASE tiergate FROM PUBLIC;
GRANT CONNECT ON DATABASE tiergate TO tiergate_app, tiergate_sweep, tiergate_backup;

\connect tiergate
ALTER SCHEMA public OWNER TO tiergate_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tiergate_app, tiergate_sweep, tiergate_backup;
