"""How usage is counted: functions, so that a use is one round trip whatever it takes."""

from django.db import migrations
from django.db.migrations.operations import RunSQL

# What became of a use, as JSON. Its lines are in the order in which they were counted.
_TOLD = """
CREATE FUNCTION licensing_usage_told(p_tenant uuid, p_usage uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'usage_id', min(e.usage_id::text), 'key', min(e.key), 'digest', min(e.digest), 'state', min(e.state),
            'expires_at', min(e.expires_at), 'at', min(e.at),
            'items', jsonb_agg(jsonb_build_object(
                'feature', e.feature, 'quantity', e.quantity, 'settled', e.settled) ORDER BY e.line))
        FROM licensing_usage_entry e
        WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage
    );
END
$fn$
"""

# Gives back what is reserved beyond its time, and leaves locked, in the order that all take them, these counters
# and those of ``p_lines``: whoever waits for one holds none that comes after it. A reservation that is being settled
# at this moment is passed over.
_EXPIRE = """
CREATE FUNCTION licensing_usage_expire(p_tenant uuid, p_at timestamptz, p_lines jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    over uuid[];
BEGIN
    SELECT array_agg(o.id) INTO over FROM (
        SELECT e.id FROM licensing_usage_entry e
        WHERE e.tenant_id = p_tenant AND e.state = 'reserved' AND e.expires_at <= p_at
        FOR UPDATE SKIP LOCKED
    ) o;
    IF over IS NULL THEN
        RETURN '0';
    END IF;
    PERFORM 1 FROM licensing_usage_counter c
    WHERE c.tenant_id = p_tenant AND (
        c.id IN (SELECT e.counter_id FROM licensing_usage_entry e WHERE e.tenant_id = p_tenant AND e.id = ANY (over))
        OR (c.feature, c.period_start) IN (
            SELECT l.feature, l.period_start FROM jsonb_to_recordset(p_lines) AS l(feature text, period_start timestamptz)))
    ORDER BY c.feature COLLATE "C", c.period_start
    FOR NO KEY UPDATE;
    UPDATE licensing_usage_counter c SET reserved = c.reserved - o.quantity
    FROM (
        SELECT e.counter_id, sum(e.quantity)::bigint AS quantity FROM licensing_usage_entry e
        WHERE e.tenant_id = p_tenant AND e.id = ANY (over) GROUP BY e.counter_id
    ) o
    WHERE c.tenant_id = p_tenant AND c.id = o.counter_id;
    UPDATE licensing_usage_entry e SET state = 'expired' WHERE e.tenant_id = p_tenant AND e.id = ANY (over);
    RETURN array_length(over, 1)::text;
END
$fn$
"""

# Takes all lines or none. ``p_lines`` name each feature once, in the order of their keys. Nothing is tried and taken
# back by an error: what was added to a counter is subtracted again under the lock that the adding left.
_TAKE = """
CREATE FUNCTION licensing_usage_take(
    p_tenant uuid, p_usage uuid, p_key text, p_digest text, p_state text, p_expires_at timestamptz,
    p_decision uuid, p_subject_type text, p_subject_id text, p_at timestamptz, p_generations text,
    p_may_reach boolean, p_lines jsonb
) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    held uuid;
    one record;
    now_taken record;
    number integer;
    counters uuid[];
    reached jsonb;
    stopped jsonb;
BEGIN
    LOOP
        SELECT e.usage_id INTO held FROM licensing_usage_entry e
        WHERE e.tenant_id = p_tenant AND e.key = p_key AND e.line = 0;
        IF FOUND THEN
            RETURN (licensing_usage_told(p_tenant, held) || '{"outcome": "repeated"}')::text;
        END IF;
        -- The limits in ``p_lines`` are those of a state of the tenant; another one may have others.
        IF p_generations <> (
            SELECT format('g%s.t%s',
                coalesce((SELECT g.number FROM licensing_generation g
                          WHERE g.scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 0),
                coalesce((SELECT g.number FROM licensing_generation g WHERE g.scope = p_tenant), 0))
        ) THEN
            RETURN '{"outcome": "moved"}';
        END IF;
        IF EXISTS (
            SELECT FROM licensing_usage_entry e
            WHERE e.tenant_id = p_tenant AND e.state = 'reserved' AND e.expires_at <= p_at
        ) THEN
            PERFORM licensing_usage_expire(p_tenant, p_at, p_lines);
        END IF;
        stopped := NULL;
        reached := '[]';
        counters := '{}';
        FOR one IN
            SELECT * FROM jsonb_to_recordset(p_lines) AS l(
                feature text, quantity bigint, period_start timestamptz, period_end timestamptz, most bigint,
                is_hard boolean, rollover bigint, was_limit bigint)
            ORDER BY l.feature COLLATE "C"
        LOOP
            LOOP
                UPDATE licensing_usage_counter c SET
                    used = c.used + CASE p_state WHEN 'consumed' THEN one.quantity ELSE 0 END,
                    reserved = c.reserved + CASE p_state WHEN 'consumed' THEN 0 ELSE one.quantity END,
                    period_end = one.period_end
                WHERE c.tenant_id = p_tenant AND c.feature = one.feature AND c.period_start = one.period_start
                    AND (NOT one.is_hard
                         OR c.used::numeric + c.reserved + one.quantity <= one.most::numeric + c.carried)
                RETURNING c.id, c.used, c.reserved, c.carried INTO now_taken;
                EXIT WHEN FOUND;
                SELECT c.used, c.reserved, c.carried INTO now_taken FROM licensing_usage_counter c
                WHERE c.tenant_id = p_tenant AND c.feature = one.feature AND c.period_start = one.period_start;
                IF FOUND THEN
                    stopped := jsonb_build_object('outcome', 'full', 'feature', one.feature,
                        'used', now_taken.used, 'reserved', now_taken.reserved, 'carried', now_taken.carried);
                    EXIT;
                END IF;
                IF one.rollover IS NOT NULL AND one.was_limit IS NULL THEN
                    stopped := jsonb_build_object('outcome', 'unopened', 'feature', one.feature);
                    EXIT;
                END IF;
                INSERT INTO licensing_usage_counter (
                    id, tenant_id, feature, period_start, period_end, used, reserved, carried)
                VALUES (gen_random_uuid(), p_tenant, one.feature, one.period_start, one.period_end, 0, 0,
                    CASE WHEN one.rollover IS NULL THEN 0 ELSE licensing_usage_left(
                        p_tenant, one.feature, one.period_start, one.was_limit, one.rollover) END)
                ON CONFLICT (tenant_id, feature, period_start) DO NOTHING;
            END LOOP;
            EXIT WHEN stopped IS NOT NULL;
            counters := counters || now_taken.id;
            IF one.most IS NOT NULL
                AND now_taken.used::numeric + now_taken.reserved >= one.most::numeric + now_taken.carried
                AND now_taken.used::numeric + now_taken.reserved - one.quantity < one.most::numeric + now_taken.carried
            THEN
                reached := reached || jsonb_build_object('feature', one.feature, 'limit', one.most,
                    'used', now_taken.used, 'reserved', now_taken.reserved, 'carried', now_taken.carried,
                    'period_start', one.period_start, 'reset_at', one.period_end);
            END IF;
        END LOOP;
        IF stopped IS NULL AND NOT p_may_reach AND reached <> '[]' THEN
            stopped := '{"outcome": "reaching"}';
        END IF;
        IF stopped IS NULL THEN
            INSERT INTO licensing_usage_entry (
                id, tenant_id, usage_id, line, key, digest, counter_id, feature, quantity, state, expires_at,
                decision_id, subject_type, subject_id, at)
            SELECT gen_random_uuid(), p_tenant, p_usage, l.line - 1, p_key, p_digest, counters[l.line], l.feature,
                l.quantity, p_state, p_expires_at, p_decision, p_subject_type, p_subject_id, p_at
            FROM (
                SELECT r.*, row_number() OVER (ORDER BY r.feature COLLATE "C") AS line
                FROM jsonb_to_recordset(p_lines) AS r(feature text, quantity bigint)
            ) l
            ON CONFLICT (tenant_id, key, line) DO NOTHING;
            GET DIAGNOSTICS number = ROW_COUNT;
            IF number = cardinality(counters) THEN
                RETURN jsonb_build_object('outcome', 'taken', 'reached', reached)::text;
            END IF;
            -- Somebody else has used the key meanwhile. Both had their first line to write first, so this one has none.
        END IF;
        UPDATE licensing_usage_counter c SET
            used = c.used - CASE p_state WHEN 'consumed' THEN l.quantity ELSE 0 END,
            reserved = c.reserved - CASE p_state WHEN 'consumed' THEN 0 ELSE l.quantity END
        FROM (
            SELECT counters[row_number() OVER (ORDER BY r.feature COLLATE "C")] AS id, r.quantity
            FROM jsonb_to_recordset(p_lines) AS r(feature text, quantity bigint)
        ) l
        WHERE c.tenant_id = p_tenant AND c.id = l.id;
        IF stopped IS NOT NULL THEN
            RETURN stopped::text;
        END IF;
    END LOOP;
END
$fn$
"""

_LEFT = """
CREATE FUNCTION licensing_usage_left(
    p_tenant uuid, p_feature text, p_start timestamptz, p_was_limit bigint, p_rollover bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT least(p_rollover, greatest(0, p_was_limit::numeric + coalesce(sum(c.carried - c.used - c.reserved), 0)))
        FROM licensing_usage_counter c
        WHERE c.tenant_id = p_tenant AND c.feature = p_feature AND c.period_end = p_start
    );
END
$fn$
"""

# Ends a reservation, once: what is used of it moves over, the rest is given back.
_SETTLE = """
CREATE FUNCTION licensing_usage_settle(
    p_tenant uuid, p_usage uuid, p_state text, p_quantity bigint, p_at timestamptz
) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    held record;
    lines integer;
BEGIN
    PERFORM 1 FROM licensing_usage_entry e WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage
    ORDER BY e.line FOR UPDATE;
    SELECT min(e.state) AS state, min(e.expires_at) AS expires_at, sum(e.quantity) AS quantity,
           min(e.settled) AS settled, count(*) AS lines
    INTO held FROM licensing_usage_entry e WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage;
    IF held.lines = 0 THEN
        RETURN '{"outcome": "missing"}';
    END IF;
    IF held.state = p_state AND (p_quantity IS NULL OR p_quantity = held.settled) THEN
        RETURN (licensing_usage_told(p_tenant, p_usage) || '{"outcome": "repeated"}')::text;
    END IF;
    IF held.state <> 'reserved' THEN
        RETURN jsonb_build_object('outcome', 'settled', 'state', held.state)::text;
    END IF;
    IF p_quantity IS NOT NULL AND (held.lines > 1 OR p_quantity > held.quantity OR p_quantity < 1) THEN
        RETURN '{"outcome": "quantity"}';
    END IF;
    PERFORM 1 FROM licensing_usage_counter c
    WHERE c.tenant_id = p_tenant AND c.id IN (
        SELECT e.counter_id FROM licensing_usage_entry e WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage)
    ORDER BY c.feature COLLATE "C", c.period_start
    FOR NO KEY UPDATE;
    UPDATE licensing_usage_counter c SET
        reserved = c.reserved - e.quantity,
        used = c.used + CASE WHEN p_state = 'committed' AND held.expires_at > p_at
                             THEN coalesce(p_quantity, e.quantity) ELSE 0 END
    FROM licensing_usage_entry e
    WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage AND c.tenant_id = p_tenant AND c.id = e.counter_id;
    UPDATE licensing_usage_entry e SET
        state = CASE WHEN held.expires_at > p_at THEN p_state ELSE 'expired' END,
        settled = CASE WHEN p_state = 'committed' AND held.expires_at > p_at
                       THEN coalesce(p_quantity, e.quantity) ELSE 0 END
    WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage;
    RETURN (licensing_usage_told(p_tenant, p_usage) || '{"outcome": "done"}')::text;
END
$fn$
"""

# The counters of some features as they stand at an instant, without what is reserved beyond its time. What the same
# key has taken already is left out, since a request that is repeated takes nothing more.
_READ = """
CREATE FUNCTION licensing_usage_read(p_tenant uuid, p_lines jsonb, p_key text, p_at timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'feature', l.feature, 'is_open', c.id IS NOT NULL,
            'used', coalesce(c.used, 0) - coalesce(mine.used, 0),
            'reserved', coalesce(c.reserved, 0) - coalesce(mine.reserved, 0) - coalesce((
                SELECT sum(e.quantity) FROM licensing_usage_entry e
                WHERE e.tenant_id = p_tenant AND e.state = 'reserved' AND e.expires_at <= p_at
                    AND e.counter_id = c.id), 0),
            'carried', coalesce(c.carried, CASE WHEN l.rollover IS NULL OR l.was_limit IS NULL THEN 0
                ELSE licensing_usage_left(p_tenant, l.feature, l.period_start, l.was_limit, l.rollover) END))), '[]')
        FROM jsonb_to_recordset(p_lines) AS l(
            feature text, period_start timestamptz, rollover bigint, was_limit bigint)
        LEFT JOIN licensing_usage_counter c
            ON c.tenant_id = p_tenant AND c.feature = l.feature AND c.period_start = l.period_start
        LEFT JOIN LATERAL (
            SELECT sum(CASE e.state WHEN 'consumed' THEN e.quantity WHEN 'committed' THEN e.settled ELSE 0 END) AS used,
                   sum(CASE WHEN e.state = 'reserved' AND e.expires_at > p_at THEN e.quantity ELSE 0 END) AS reserved
            FROM licensing_usage_entry e
            WHERE e.tenant_id = p_tenant AND e.key = p_key AND e.counter_id = c.id
        ) mine ON true
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """Functions that the release before this one does not call."""

    dependencies = [("licensing", "0015_usage")]
    operations = [
        RunSQL(_TOLD, "DROP FUNCTION licensing_usage_told(uuid, uuid)"),
        RunSQL(_EXPIRE, "DROP FUNCTION licensing_usage_expire(uuid, timestamptz, jsonb)"),
        RunSQL(_LEFT, "DROP FUNCTION licensing_usage_left(uuid, text, timestamptz, bigint, bigint)"),
        RunSQL(
            _TAKE,
            "DROP FUNCTION licensing_usage_take(uuid, uuid, text, text, text, timestamptz, uuid, text, text, "
            "timestamptz, text, boolean, jsonb)",
        ),
        RunSQL(_SETTLE, "DROP FUNCTION licensing_usage_settle(uuid, uuid, text, bigint, timestamptz)"),
        RunSQL(_READ, "DROP FUNCTION licensing_usage_read(uuid, jsonb, text, timestamptz)"),
    ]
