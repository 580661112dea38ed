"""Who may do what: the permission matrix as data, for every route there is.

One line per method and route; the columns are `world.ACTORS`. ``ok`` means that the right is there (whatever the
rules then say of the request); 401 no credentials, 403 one's role or ownership forbids it, 404 another school's
or nothing one may know of; ``login`` a page that asks to sign in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.permissions.world import ACTORS

if TYPE_CHECKING:
    from tests.permissions.world import World

#: Need no sign-in: health, the API's description, what a browser installs, signing in, a scanned code, readers (which
#: have a key of their own).
OPEN_TO_ALL = (
    "healthz",
    "readyz",
    "metrics",
    "schema",
    "api-docs",
    "api-redoc",
    "service-worker",
    "offline",
    "accounts:manifest",
    "accounts:login",
    "accounts:logout",
    "accounts:language",
    "scan_code",
    "auth-token",
    "auth-token-refresh",
    "auth-logout",
    "iclock:cdata",
    "iclock:getrequest",
    "iclock:devicecmd",
    "iclock_by_key:cdata",
    "iclock_by_key:getrequest",
    "iclock_by_key:devicecmd",
)

# method route arguments | anon student peer teacher colleague head office integrator operator outsider
_TABLE = """
GET attendance:approvals                    | login 403   403   ok    ok    ok    ok    403   ok    ok
POST attendance:close session               | login 403   403   ok    403   ok    ok    403   ok    404
GET attendance:conflicts                    | login 403   403   ok    ok    ok    ok    403   ok    ok
POST attendance:conflict_resolve conflict   | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:conflicts_resolve_chosen    | login 403   403   ok    ok    ok    ok    403   ok    ok
GET attendance:configuration                | login 403   403   403   403   403   ok    403   ok    ok
POST attendance:configuration               | login 403   403   403   403   403   ok    403   ok    ok
POST attendance:confirm session             | login 403   403   ok    403   ok    ok    403   ok    404
GET attendance:department                   | login 403   403   403   403   ok    ok    ok    ok    ok
GET attendance:history                      | login ok    ok    403   403   403   403   403   403   403
GET attendance:home                         | login ok    ok    ok    ok    ok    ok    ok    ok    ok
GET attendance:leave                        | login ok    ok    403   403   403   403   403   403   403
GET attendance:leave_apply                  | login ok    ok    403   403   403   403   403   403   403
POST attendance:leave_apply                 | login ok    ok    403   403   403   403   403   403   403
POST attendance:leave_approve leave         | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:leave_approve_chosen        | login 403   403   ok    ok    ok    ok    403   ok    ok
POST attendance:leave_cancel leave          | login ok    403   403   403   403   403   403   403   403
GET attendance:leave_change leave           | login ok    403   403   403   403   403   403   403   403
POST attendance:leave_change leave          | login ok    403   403   403   403   403   403   403   403
GET attendance:leave_classes                | login ok    ok    403   403   403   403   403   403   403
GET attendance:leave_file leave             | login ok    403   ok    403   ok    ok    403   ok    404
POST attendance:leave_reject leave          | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:leave_revoke leave          | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:mark session                | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:open session                | login 403   403   ok    403   ok    ok    403   ok    404
POST attendance:redeem                      | login ok    ok    403   403   403   403   403   403   403
POST attendance:reopen session              | login 403   403   ok    403   ok    ok    403   ok    404
GET attendance:roster session               | login 403   403   ok    403   ok    ok    ok    ok    404
GET attendance:scan                         | login ok    ok    403   403   403   403   403   403   403
POST attendance:scan_token                  | login ok    ok    ok    ok    ok    ok    ok    ok    ok
GET attendance:screen session               | login 403   403   ok    403   ok    ok    403   ok    404
GET attendance:section section              | login 403   403   ok    403   ok    ok    ok    ok    404
GET attendance:shortage                     | login 403   403   ok    ok    ok    ok    ok    ok    ok
GET accounts:more                           | login ok    ok    ok    ok    ok    ok    ok    ok    ok
GET auth-me                                 | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET cohort-list                             | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET course-list                             | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET department-list                         | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET faculty-list                            | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET room-list                               | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET section-detail section                  | 401   ok    403   ok    403   ok    ok    ok    ok    404
GET section-list                            | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET student-detail student                  | 401   ok    403   ok    403   ok    ok    ok    ok    404
GET student-list                            | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET term-list                               | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
GET attendance-audit-list                   | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-condonation-detail condonation| 401   ok    403   ok    403   ok    ok    ok    ok    404
GET attendance-condonation-export           | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-condonation-file condonation | 401   ok    403   403   403   ok    ok    403   ok    404
GET attendance-condonation-list             | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-condonation-list            | 401   ok    ok    403   403   403   403   403   403   403
POST attendance-condonation-recommend condonation| 401   403   403   403   403   ok    403   403   403   404
POST attendance-condonation-approve condonation| 401   403   403   403   403   403   ok    403   ok    404
POST attendance-condonation-reject condonation| 401   403   403   403   403   403   ok    403   ok    404
POST attendance-condonation-cancel condonation| 401   ok    403   403   403   403   403   403   403   404
GET attendance-configuration                | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
PATCH attendance-configuration              | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-conflict-list                | 401   403   403   ok    ok    ok    ok    403   ok    ok
GET attendance-conflict-detail conflict     | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-conflict-resolve conflict   | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-correction-detail correction | 401   ok    403   ok    403   ok    ok    ok    ok    404
GET attendance-correction-file correction   | 401   ok    403   ok    403   ok    ok    403   ok    404
GET attendance-correction-list              | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-correction-list             | 401   ok    403   403   403   403   403   403   403   403
POST attendance-correction-approve correction| 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-correction-reject correction| 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-correction-cancel correction| 401   ok    403   403   403   403   403   403   403   404
GET attendance-device-list                  | 401   403   403   403   403   403   ok    403   ok    ok
POST attendance-device-list                 | 401   403   403   403   403   403   ok    403   ok    ok
POST attendance-device-accept               | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-device-unknown               | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-device-detail device         | 401   403   403   403   403   403   ok    403   ok    404
PATCH attendance-device-detail device       | 401   403   403   403   403   403   ok    403   ok    404
DELETE attendance-device-detail device      | 401   403   403   403   403   403   ok    403   ok    404
GET attendance-device-pins device           | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-device-pins device          | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-device-push-users device    | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-device-rotate-key device    | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-device-set-clock device     | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-device-events               | 401   401   401   401   401   401   401   401   401   401
GET attendance-reading-list                 | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-template-list                | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-template-list               | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-template-detail template     | 401   ok    403   403   403   403   ok    403   ok    404
DELETE attendance-template-detail template  | 401   403   403   403   403   403   ok    403   ok    404
GET attendance-holiday-detail holiday       | 401   ok    ok    ok    ok    ok    ok    ok    ok    404
PATCH attendance-holiday-detail holiday     | 401   403   403   403   403   403   ok    403   ok    404
DELETE attendance-holiday-detail holiday    | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-holiday-import              | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-holiday-list                 | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-holiday-list                | 401   403   403   403   403   403   ok    403   ok    ok
POST attendance-leave-approve leave         | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-leave-bulk-approve          | 401   403   403   ok    ok    ok    ok    403   ok    ok
POST attendance-leave-cancel leave          | 401   ok    403   403   403   403   403   403   403   404
GET attendance-leave-detail leave           | 401   ok    403   ok    403   ok    ok    ok    ok    404
PATCH attendance-leave-detail leave         | 401   ok    403   403   403   403   403   403   403   404
GET attendance-leave-file leave             | 401   ok    403   ok    403   ok    ok    403   ok    404
GET attendance-leave-list                   | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-leave-list                  | 401   ok    403   403   403   403   ok    403   ok    ok
POST attendance-leave-reject leave          | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-leave-revoke leave          | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-record-bulk-mark            | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-record-detail record         | 401   ok    403   ok    403   ok    ok    ok    ok    404
PATCH attendance-record-detail record       | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-record-list                  | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-record-list                 | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-record-offline-sync         | 401   403   403   ok    ok    ok    ok    403   ok    ok
POST attendance-record-qr-scan              | 401   ok    ok    403   403   403   403   403   403   403
POST attendance-session-cancel session      | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-session-close session       | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-session-confirm session     | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-session-detail session       | 401   ok    403   ok    403   ok    ok    ok    ok    404
PATCH attendance-session-detail session     | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-session-generate            | 401   403   403   403   403   403   ok    403   ok    ok
POST attendance-session-generate-qr session | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-session-list                 | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-session-list                | 401   403   403   ok    403   ok    ok    403   ok    ok
GET attendance-session-live session         | 401   403   403   ok    403   ok    ok    ok    ok    404
POST attendance-session-lock session        | 401   403   403   403   403   403   ok    403   ok    404
POST attendance-session-open session        | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-session-qr session           | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-session-reopen session      | 401   403   403   ok    403   ok    ok    403   ok    404
GET attendance-session-roster session       | 401   403   403   ok    403   ok    ok    ok    ok    404
POST attendance-session-substitute session  | 401   403   403   ok    403   ok    ok    403   ok    404
POST attendance-session-void session        | 401   403   403   403   403   ok    ok    403   ok    404
GET attendance-slot-detail slot             | 401   ok    403   ok    403   ok    ok    ok    ok    404
PATCH attendance-slot-detail slot           | 401   403   403   403   403   403   ok    403   ok    404
DELETE attendance-slot-detail slot          | 401   403   403   403   403   403   ok    403   ok    404
GET attendance-slot-list                    | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
POST attendance-slot-list                   | 401   403   403   403   403   403   ok    403   ok    ok
GET attendance-course-summary               | 401   403   403   ok    ok    ok    ok    ok    ok    ok
GET attendance-department-summary           | 401   403   403   ok    ok    ok    ok    ok    ok    ok
GET attendance-shortage                     | 401   403   403   ok    ok    ok    ok    ok    ok    ok
GET attendance-student-summary              | 401   ok    ok    ok    ok    ok    ok    ok    ok    ok
"""


@dataclass(frozen=True)
class Row:
    method: str
    route: str
    arguments: tuple[str, ...]
    expected: dict[str, str]

    @property
    def is_page(self) -> bool:
        return ":" in self.route

    def body(self, world: World) -> dict[str, Any]:
        return BODIES.get(self.route, lambda _world: {})(world)


def _parse(table: str) -> list[Row]:
    rows = []
    for line in table.strip().splitlines():
        left, _bar, right = line.partition("|")
        method, route, *arguments = left.split()
        rows.append(Row(method, route, tuple(arguments), dict(zip(ACTORS, right.split(), strict=True))))
    return rows


#: Bodies that get as far as the question of the right.
BODIES: dict[str, Any] = {
    "attendance-record-bulk-mark": lambda w: {
        "session": w.session.pk,
        "marks": [{"student": w.student.enrollment_no, "status": "late"}],
    },
    "attendance-record-list": lambda w: {
        "session": w.session.pk,
        "student": w.student.enrollment_no,
        "status": "late",
    },
    "attendance-leave-list": lambda w: {
        "student": w.student.enrollment_no,
        "kind": "casual",
        "from_date": "2026-11-09",
        "to_date": "2026-11-09",
        "reason": "a wedding",
    },
    "attendance-leave-detail": lambda _w: {"kind": "casual"},
    "attendance-leave-reject": lambda _w: {"remarks": "because"},
    "attendance-leave-revoke": lambda _w: {"remarks": "because"},
    "attendance-leave-bulk-approve": lambda w: {"ids": [w.leave.pk]},
    "attendance:leave_reject": lambda _w: {"remarks": "because"},
    "attendance:leave_revoke": lambda _w: {"remarks": "because"},
    "attendance:leave_approve_chosen": lambda w: {"leaves": [w.leave.pk]},
    "attendance-device-list": lambda _w: {"serial": "NEW-1", "kind": "face"},
    # The serial number in the table of strangers, whom the office of each school may let in.
    "attendance-device-accept": lambda _w: {"serial": "STRANGER-1", "kind": "face"},
    "attendance-device-detail": lambda _w: {"name": "Gate"},
    "attendance-device-pins": lambda _w: {"pins": [{"pin": "9", "student": None}]},
    "attendance-template-list": lambda w: {
        "student": w.student.enrollment_no,
        "kind": "face",
        "template": "QUJD",
    },
    "attendance-record-detail": lambda _w: {"status": "late"},
    "attendance-correction-list": lambda w: {
        "session": w.session.pk,
        "requested_status": "late",
        "reason": "I came late",
    },
    "attendance-condonation-list": lambda w: {
        "course": w.section.course.code,
        "term": w.section.term_id,
        "reason": "I was ill",
    },
    # Of each entry its own answer says whether the person runs the class.
    "attendance-record-offline-sync": lambda w: {
        "batch_id": w.session.pk,
        "device_id": "tablet",
        "client_now": "2026-11-03T09:00:00+05:30",
        "entries": [
            {
                "client_id": w.session.pk,
                "session": w.session.pk,
                "student": w.student.enrollment_no,
                "status": "late",
                "source": "manual",
                "captured_at": "2026-11-03T09:00:00+05:30",
            }
        ],
    },
    "attendance-conflict-resolve": lambda _w: {"keep": "incoming"},
    "attendance:conflict_resolve": lambda _w: {"keep": "incoming"},
    "attendance:conflicts_resolve_chosen": lambda w: {"keep": "incoming", "conflicts": [w.conflict.pk]},
    "attendance-record-qr-scan": lambda _w: {"token": "x"},
    "attendance-session-list": lambda w: {
        "sections": [w.section.pk],
        "faculty": [w.session.faculty.get().employee_no],
        "starts_at": "2026-11-05T09:00:00+05:30",
        "ends_at": "2026-11-05T10:00:00+05:30",
    },
    "attendance-session-generate": lambda _w: {"from": "2026-11-02", "to": "2026-11-08"},
    "attendance-session-reopen": lambda _w: {"reason": "because"},
    "attendance-session-cancel": lambda _w: {"reason": "because"},
    "attendance-session-void": lambda _w: {"reason": "because"},
    "attendance-session-confirm": lambda _w: {"held": True},
    "attendance-session-substitute": lambda _w: {"faculty": None},
    "attendance-session-detail": lambda _w: {"topic": "Trees"},
    "attendance-configuration": lambda _w: {"grace_period_minutes": 6},
    "attendance-holiday-list": lambda _w: {"date": "2026-12-24", "name": "Eve"},
    "attendance-holiday-detail": lambda _w: {"name": "X-mas"},
    "attendance-holiday-import": lambda _w: {"country": "IN", "year": 2027},
    "attendance-slot-detail": lambda _w: {"starts": "09:05"},
    "attendance:reopen": lambda _w: {"reason": "because"},
    "attendance:mark": lambda w: {"mark": f"{w.student.enrollment_no}:late"},
}

ROWS = _parse(_TABLE)


def as_json(body: dict[str, Any]) -> str:
    return json.dumps(body, default=str)


@dataclass(frozen=True)
class AdminRights:
    """Letters: f faculty, o school office, s operator of several schools."""

    lists: str
    adds: str = ""


ADMIN: dict[str, AdminRights] = {
    "academics.Cohort": AdminRights("fos", "os"),
    "academics.Course": AdminRights("fos", "os"),
    "academics.Department": AdminRights("fos", "os"),
    "academics.Enrollment": AdminRights("fos", "os"),
    "academics.Faculty": AdminRights("fos", "os"),
    "academics.Programme": AdminRights("fos", "os"),
    "academics.Room": AdminRights("fos", "os"),
    "academics.Section": AdminRights("fos", "os"),
    "academics.Student": AdminRights("fos", "os"),
    "academics.StudentSnapshot": AdminRights("os"),
    "academics.Term": AdminRights("fos", "os"),
    "accounts.Consent": AdminRights("os"),
    "accounts.RefreshFamily": AdminRights("os"),
    "accounts.School": AdminRights("fos"),
    "accounts.User": AdminRights("os"),
    "attendance.AttendanceConfiguration": AdminRights("os"),
    "attendance.AttendanceRecord": AdminRights("fos"),
    "attendance.AttendanceStatistics": AdminRights("fos"),
    # Readers are registered through the API, where their key is shown.
    "attendance.BiometricDevice": AdminRights("os"),
    "attendance.BiometricTemplate": AdminRights("os"),
    "attendance.CondonationRequest": AdminRights("fos"),
    "attendance.CorrectionRequest": AdminRights("fos"),
    "attendance.DeviceEvent": AdminRights("os"),
    # An operator adds them by the API or the commands, where the school is named.
    "attendance.Holiday": AdminRights("fos", "o"),
    "attendance.HeldRecord": AdminRights("os"),
    "attendance.LeaveApplication": AdminRights("fos"),
    "attendance.LegalHold": AdminRights("os", "o"),
    "attendance.Session": AdminRights("fos"),
    "attendance.SyncBatch": AdminRights("fos"),
    "attendance.SyncConflict": AdminRights("fos"),
    "attendance.SyncEntry": AdminRights("fos"),
    "attendance.TimetableSlot": AdminRights("fos", "o"),
    "attendance.UnknownDevice": AdminRights("os"),
    "audit.AuditEntry": AdminRights("os"),
    "audit.AuditSeal": AdminRights("s"),
    "audit.RetentionRun": AdminRights("os"),
}

_LETTER = {"teacher": "f", "colleague": "f", "head": "f", "office": "o", "outsider": "o", "operator": "s"}


def admin_answer(actor: str, letters: str) -> set[str]:
    """What opening the page gives this person: the office of another school has its own, emptier list."""
    if actor == "anon":
        return {"login"}
    return {"ok"} if _LETTER.get(actor, "-") in letters else {"403", "login"}
