"""The trigger that makes audit tables append-only for everyone, the owner's maintenance excepted."""

from __future__ import annotations

APPEND_ONLY = r"""
CREATE FUNCTION campushub_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    -- Anybody can set the setting, only members of the owner role pass the second half.
    IF current_setting('audit.maintenance', true) = 'on'
       AND (SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = TG_RELID) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'audit_append_only';
END
$body$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON attendance_audit_log
    FOR EACH ROW EXECUTE FUNCTION campushub_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON attendance_audit_log
    EXECUTE FUNCTION campushub_append_only();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION campushub_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_seal
    EXECUTE FUNCTION campushub_append_only();
"""

APPEND_ONLY_REVERSE = """
DROP TRIGGER audit_append_only ON attendance_audit_log;
DROP TRIGGER audit_no_truncate ON attendance_audit_log;
DROP TRIGGER audit_append_only ON audit_seal;
DROP TRIGGER audit_no_truncate ON audit_seal;
DROP FUNCTION campushub_append_only();
"""

RETENTION_RUN_APPEND_ONLY = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_retention_run
    FOR EACH ROW EXECUTE FUNCTION campushub_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_retention_run
    EXECUTE FUNCTION campushub_append_only();
"""

RETENTION_RUN_REVERSE = """
DROP TRIGGER audit_append_only ON audit_retention_run;
DROP TRIGGER audit_no_truncate ON audit_retention_run;
"""
