"""SQL of attendance: minutes of the week, the one formula of percentages, the key of records, counts by day."""

from __future__ import annotations

WEEK_MINUTES = """
CREATE FUNCTION week_minutes(d integer, s time, e time) RETURNS int4multirange
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
    SELECT CASE
        WHEN b <= 10080 THEN int4multirange(int4range(a, b))
        ELSE int4multirange(int4range(a, 10080), int4range(0, b - 10080))
    END
    FROM (SELECT (d - 1) * 1440 + floor(extract(epoch FROM s) / 60)::integer AS a,
                 (d - 1) * 1440 + ceil(extract(epoch FROM e) / 60)::integer
                    + CASE WHEN e <= s THEN 1440 ELSE 0 END AS b) AS minutes
$body$;
"""

# The only place where a percentage is computed. p attended (weighted), n counted, t threshold in percent:
# percentage = 100 p / n rounded half up; need = ceil((t n - 100 p) / (100 - t)); can_miss = floor(100 p / t - n).
# Bands compare unrounded. numeric keeps every step exact, and round(numeric) rounds halves away from zero.
# attended and counted are p and n themselves, for people: "18 of 23".
_FIGURES = """
CREATE FUNCTION attendance_figures(
    present bigint, late bigint, absent bigint, excused bigint,
    late_weight numeric, excused_is_present boolean, threshold integer, floor_percent integer,
    OUT percentage numeric, OUT band text, OUT need integer, OUT can_miss integer,
    OUT attended numeric, OUT counted integer
) {returns} LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN n > 0 THEN round(100 * p / n, 2) END,
           CASE WHEN n = 0 THEN NULL
                WHEN 100 * p >= threshold * n THEN 'clear'
                WHEN 100 * p >= floor_percent * n THEN 'condonable'
                ELSE 'shortage' END,
           greatest(0, ceil((threshold * n - 100 * p) / (100 - threshold)))::integer,
           greatest(0, floor(100 * p / threshold - n))::integer,
           p, n::integer
    FROM (SELECT present + late_weight * late + CASE WHEN excused_is_present THEN excused ELSE 0 END AS p,
                 (present + late + absent + CASE WHEN excused_is_present THEN excused ELSE 0 END)::numeric AS n
         ) AS counts
$body$;
"""

FIGURES = _FIGURES.format(returns="")
# The same as a table of one row: the planner writes that into the statement that asks, where a call would cost 30 µs.
FIGURES_INLINE = _FIGURES.format(returns="RETURNS SETOF record ROWS 1")

FIGURES_SIGNATURE = "attendance_figures(bigint, bigint, bigint, bigint, numeric, boolean, integer, integer)"

RECORD_SESSION_KEY = """
ALTER TABLE attendance_record ADD CONSTRAINT record_session_held_on
    FOREIGN KEY (session_id, held_on) REFERENCES attendance_session (id, held_on) ON UPDATE CASCADE;
"""

# A row per section and day with a class that counts; session_ids, because a class of two sections is still one class.
# Counts only: a percentage is for `attendance_figures`.
DAILY_SUMMARY = """
CREATE MATERIALIZED VIEW attendance_daily_summary AS
WITH marks AS (
    SELECT r.session_id, r.section_id,
           count(*) FILTER (WHERE r.status = 'present') AS present,
           count(*) FILTER (WHERE r.status = 'late') AS late,
           count(*) FILTER (WHERE r.status = 'absent') AS absent,
           count(*) FILTER (WHERE r.status = 'excused') AS excused
      FROM attendance_record r
      JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on AND s.status IN ('closed', 'locked')
     GROUP BY 1, 2
), held AS (
    SELECT s.id AS session_id, ss.section_id
      FROM attendance_session s JOIN attendance_session_sections ss ON ss.session_id = s.id
     WHERE s.status IN ('closed', 'locked')
)
SELECT s.school_id, s.held_on, sec.id AS section_id, sec.course_id, s.term_id,
       count(*)::integer AS sessions, array_agg(s.id ORDER BY s.id) AS session_ids,
       coalesce(sum(m.present), 0)::bigint AS present, coalesce(sum(m.late), 0)::bigint AS late,
       coalesce(sum(m.absent), 0)::bigint AS absent, coalesce(sum(m.excused), 0)::bigint AS excused
  FROM held FULL JOIN marks m USING (session_id, section_id)
  JOIN attendance_session s ON s.id = session_id
  JOIN academics_section sec ON sec.id = section_id
 GROUP BY s.school_id, s.held_on, sec.id, sec.course_id, s.term_id;
CREATE UNIQUE INDEX daily_summary_once ON attendance_daily_summary (section_id, term_id, held_on);
"""
DROP_DAILY_SUMMARY = "DROP MATERIALIZED VIEW attendance_daily_summary"

# The application owns no view, and only an owner may refresh one. It gets this one thing and no argument to it.
REFRESH_DAILY_SUMMARY = """
CREATE FUNCTION campushub_refresh_daily_summary() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY attendance_daily_summary;
END
$body$;
"""
DROP_REFRESH_DAILY_SUMMARY = "DROP FUNCTION campushub_refresh_daily_summary()"
