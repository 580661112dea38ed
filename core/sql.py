"""SQL of the foundation: extensions and the function that makes partitions."""

from __future__ import annotations

ENSURE_PARTITION = r"""
CREATE OR REPLACE FUNCTION campushub_ensure_partition(parent regclass, year integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    parent_name text;
    column_name text;
    column_type text;
    child text;
    part record;
BEGIN
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
      INTO parent_name, column_name, column_type
      FROM pg_class c
      JOIN pg_partitioned_table p ON p.partrelid = c.oid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
     WHERE c.oid = parent AND pg_has_role(current_user, c.relowner, 'USAGE');
    IF parent_name IS NULL THEN
        RAISE EXCEPTION '% is not a partitioned table of this application', parent USING ERRCODE = '42809';
    END IF;
    IF year NOT BETWEEN 1900 AND 2999 THEN
        RAISE EXCEPTION 'no partition for the year %', year USING ERRCODE = '22023';
    END IF;
    child := left(parent_name, 56) || '__y' || year;
    IF to_regclass(quote_ident(child)) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('campushub_ensure_partition', 0));
    -- Not to_regclass again: this session may remember that there was no such table, whoever made it meanwhile.
    IF EXISTS (SELECT FROM pg_class WHERE relname = child AND relnamespace = 'public'::regnamespace) THEN
        RETURN NULL;
    END IF;
    -- Made apart and then attached: the parent is locked for milliseconds, not against readers and writers.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent_name);
    IF column_type = 'date' THEN
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent_name, child, year || '-01-01', (year + 1) || '-01-01');
    ELSE
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent_name, child, year || '-01-01 00:00:00+00', (year + 1) || '-01-01 00:00:00+00');
    END IF;
    -- Errors name the index of the partition; `constraint__yYYYY` can be cut back to the constraint's own name.
    FOR part IN
        SELECT ic.relname AS child_index, pc.relname AS parent_index
          FROM pg_index i
          JOIN pg_class ic ON ic.oid = i.indexrelid
          JOIN pg_inherits h ON h.inhrelid = i.indexrelid
          JOIN pg_class pc ON pc.oid = h.inhparent
         WHERE i.indrelid = to_regclass(quote_ident(child))
    LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', part.child_index, left(part.parent_index, 56) || '__y' || year);
    END LOOP;
    -- Row triggers are cloned by ATTACH, statement triggers (TRUNCATE) are not.
    FOR part IN
        SELECT t.tgname, p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE t.tgrelid = parent AND NOT t.tgisinternal AND t.tgtype & 32 = 32
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION %I()',
                       part.tgname, child, part.proname);
    END LOOP;
    RETURN child;
END
$body$;
"""
