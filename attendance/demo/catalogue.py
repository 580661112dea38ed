"""What the demo is made of: its two schools, their departments, courses and sign-ins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time

#: Of everybody, on purpose: the demo is never loaded in production.
PASSWORD = "demo-campus"  # noqa: S105 - see above

COHORT_SIZE = 60
#: Monday to Saturday, six periods of fifty minutes.
PERIODS = (time(9), time(10), time(11, 15), time(12, 15), time(14), time(15))
#: The last period of Saturday belongs to the elective: students of every cohort take it.
ELECTIVE_CELL = (6, time(15))
WEEK = tuple(
    (weekday, starts) for weekday in range(1, 7) for starts in PERIODS if (weekday, starts) != ELECTIVE_CELL
)
CLASSES_PER_COURSE = 3
COURSES_PER_DEPARTMENT = 5
COHORTS_PER_TEACHER = 5
#: Courses (by position) that the demo's `faculty` teaches to the cohort of the demo's `student`; the last of them
#: is a combined lecture with another cohort.
LECTURED = (0, 1, 2)
SHARED = 2

DEPARTMENTS = {
    "CSE": "Computer Science and Engineering",
    "ECE": "Electronics and Communication Engineering",
    "MEC": "Mechanical Engineering",
    "EEE": "Electrical and Electronics Engineering",
    "CIV": "Civil Engineering",
}
COURSES = {
    "CSE": ("Data Structures", "Operating Systems", "Databases", "Computer Networks", "Discrete Mathematics"),
    "ECE": (
        "Signals and Systems",
        "Digital Design",
        "Electromagnetics",
        "Microprocessors",
        "Control Systems",
    ),
    "MEC": ("Thermodynamics", "Fluid Mechanics", "Machine Design", "Manufacturing", "Materials Science"),
    "EEE": ("Circuit Theory", "Power Systems", "Electrical Machines", "Measurements", "Power Electronics"),
    "CIV": ("Structural Analysis", "Surveying", "Geotechnics", "Hydraulics", "Concrete Technology"),
}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One school. `logins` gives plain user names to a few people, by what they are."""

    name: str
    code: str
    timezone: str
    country: str
    subdivision: str
    latitude: float
    longitude: float
    batch: str
    staff: str
    share: float
    logins: dict[str, str] = field(default_factory=dict)


FIRST = Blueprint(
    name="Godavari College of Engineering",
    code="demo",
    timezone="Asia/Kolkata",
    country="IN",
    subdivision="AP",
    latitude=16.5062,
    longitude=80.6480,
    batch="24",
    staff="F",
    share=1.0,
    logins={role: role for role in ("admin", "hod", "faculty", "organizer", "student", "integrator")},
)
SECOND = Blueprint(
    name="Straits Polytechnic",
    code="demo-b",
    timezone="Asia/Singapore",
    country="SG",
    subdivision="",
    latitude=1.3521,
    longitude=103.8198,
    batch="B24",
    staff="L",
    share=0.1,
    logins={"admin": "admin.b", "faculty": "faculty.b", "student": "student.b"},
)
SCHOOLS = (FIRST, SECOND)

#: It calls, and nobody has registered it.
STRANGER = "CGKX214760912"
