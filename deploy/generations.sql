-- After a restore, or after a promotion that may have lost commits: number every state anew, far above what was.
--
-- Processes and callers hold numbers that this database never gave out; the same number must not come to mean
-- something else.
SELECT to_regclass('public.licensing_generation') IS NOT NULL AS is_migrated \gset
\if :is_migrated
BEGIN;
SELECT setval('licensing_generation_seq', nextval('licensing_generation_seq') + 1000000);
UPDATE licensing_generation SET number = nextval('licensing_generation_seq');
COMMIT;
\endif
-- And whatever is remembered of sessions: the own sign-in's counter, which was never without a row, is in every standing.
SELECT to_regclass('public.authlevels_standing') IS NOT NULL AS has_standing \gset
\if :has_standing
BEGIN;
SELECT setval('authlevels_standing_seq', nextval('authlevels_standing_seq') + 1000000);
UPDATE authlevels_standing SET number = nextval('authlevels_standing_seq');
COMMIT;
\endif
