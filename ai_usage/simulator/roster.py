"""Who works at the company and which keys exist: everything that does not depend on the day.

People, teams, cost centres, workspaces, keys and habits belong here; what people do on a day is
in `behaviour`. All dates hang on the company's anchor, so that the same company seen from another
`today` is the same company.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from ai_usage.simulator import seeding
from ai_usage.simulator.records import UNKNOWN, Owner

DOMAIN: Final = "example.com"
SMALLEST_COMPANY: Final = 30

# The cast: numbers of people with a story, the same in every company.
MOVER: Final = 8
RECENT_JOINER: Final = 9
EARLIER_JOINER: Final = 10
RECENT_LEAVER: Final = 11
EARLIER_LEAVER: Final = 12
ALIAS: Final = 13
NEVER_ACTIVE: Final = 14
CONTRACTOR: Final = 15
SAME_KEY_NAME: Final = (16, 17)
ADMIN: Final = 19
KEY_MADE_BY_ADMIN: Final = 20
UNREGISTERED_KEY: Final = 21
CODE_KEY_PATTERN_ONLY: Final = 22
CODE_KEY_UNREGISTERED: Final = 23
CONSOLE_LOGIN: Final = 24
BOTH_CUSTOMER_TYPES: Final = 25
MIDNIGHT_AGENT: Final = 26

CodeMode = Literal["none", "subscription", "console", "login", "both"]
Profile = Literal[
    "personal", "claude_code", "laptop", "team", "service", "batch", "script", "workbench"
]

# fmt: off
_FIRST_NAMES: Final = (
    "Amara", "Anton", "Beatriz", "Bruno", "Carla", "Chidi", "Clara", "Dagny", "Daniel", "Deepa",
    "Edgar", "Elena", "Emil", "Farah", "Felix", "Freya", "Gabriel", "Greta", "Hana", "Hugo",
    "Ines", "Ivan", "Jamal", "Jana", "José", "Judith", "Kavya", "Kenji", "Lars", "Leila", "Linus",
    "Lucía", "Malik", "Marta", "Mateo", "Mei", "Milan", "Nadia", "Noah", "Nora", "Olga", "Omar",
    "Paula", "Petra", "Priya", "Quentin", "Rafael", "Rosa", "Ruth", "Samir", "Selma", "Silas",
    "Søren", "Tamar", "Teresa", "Theo", "Uma", "Valentin", "Vera", "Wanda", "Xenia", "Yara",
    "Yusuf", "Zoë",
)
# fmt: on
# fmt: off
_LAST_NAMES: Final = (
    "Abara", "Alder", "Amsel", "Ashdown", "Baptiste", "Barro", "Berger", "Birch", "Bright",
    "Calder", "Castell", "Cedar", "Cho", "Cooper", "Corvin", "Dahl", "Delgado", "Dressler",
    "Duarte", "Eklund", "Ellison", "Falk", "Ferreira", "Fontaine", "Forster", "Garner", "Gupta",
    "Haas", "Halloran", "Hartwell", "Hedley", "Ibarra", "Ivers", "Jansen", "Jensen", "Kaplan",
    "Kestrel", "Kimura", "Kovar", "Lachner", "Larkin", "Lindqvist", "Lowe", "Marchetti", "Mercer",
    "Mistry", "Moreau", "Nakata", "Nolan", "Novak", "Oakes", "Okafor", "Ortega", "Pereira",
    "Pike", "Quill", "Radley", "Ramos", "Rivers", "Rowan", "Sandoval", "Sato", "Schreiber",
    "Shah", "Sommer", "Stavros", "Sutter", "Tanaka", "Thorne", "Tindall", "Umber", "Vance",
    "Varga", "Vogel", "Wallin", "Weaver", "Winther", "Yamada", "Yates", "Zeller",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Team:
    """A team and where its costs go. E-mails name people of the same roster."""

    name: str
    sub_team: str
    department: str
    department_code: str
    cost_center: str
    manager_email: str
    director_email: str


@dataclass(frozen=True, slots=True)
class Place:
    """A location, its offset to UTC in minutes, and how much of its day is over at noon UTC."""

    location: str
    timezone: str
    first_minute: int
    morning_percent: int


PLACES: Final = (
    Place("Berlin", "Europe/Berlin", 8 * 60, 45),
    Place("London", "Europe/London", 9 * 60, 35),
    Place("New York", "America/New_York", 14 * 60, 0),
    Place("Bengaluru", "Asia/Kolkata", 4 * 60, 85),
)

_TEAMS: Final = (
    ("Platform", "Engineering", "ENG", "CC-1100"),
    ("Payments", "Engineering", "ENG", "CC-1200"),
    ("Mobile", "Engineering", "ENG", "CC-1300"),
    ("Search", "Engineering", "ENG", "CC-1400"),
    ("Analytics", "Data", "DAT", "CC-2100"),
    ("Machine Learning", "Data", "DAT", "CC-2200"),
    ("Product Design", "Product", "PRD", "CC-3100"),
    ("Security", "Technology", "TEC", "CC-4100"),
)
_DIRECTORS: Final = {"ENG": 0, "DAT": 4, "PRD": 6, "TEC": 7}


@dataclass(frozen=True, slots=True)
class Person:
    """A person, his history at the company and his habits. `email` is the canonical address."""

    number: int
    user_id: str
    employee_id: str
    cursor_id: int | str
    console_id: str
    first_name: str
    last_name: str
    email: str
    aliases: tuple[str, ...]
    teams: tuple[tuple[date, Team], ...]
    """(from this day on, team), the earliest first: reaches back to the start."""
    start_date: date
    end_date: date | None
    """The last day at work."""
    job_title: str
    seniority_level: str
    employment_type: str
    place: Place
    budget_usd: int | None
    cursor_level: float
    """0: no Cursor seat in use. 1: about ten events a working day."""
    code_mode: CodeMode
    code_level: float
    api_level: float
    terminals: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def handle(self) -> str:
        """`first.last` in ASCII, as in the e-mail."""
        return self.email.partition("@")[0]

    @property
    def has_cursor_seat(self) -> bool:
        """Whether he is a member of the Cursor team while employed."""
        return self.cursor_level > 0 or self.number == NEVER_ACTIVE

    @property
    def uses_console(self) -> bool:
        """Whether he has an account in the Anthropic Console."""
        return self.api_level > 0 or self.code_mode != "none" or self.number in (ADMIN, *range(8))

    def employed(self, day: date) -> bool:
        """Whether the day lies between the first and the last day at work."""
        return self.start_date <= day and (self.end_date is None or day <= self.end_date)

    def team(self, day: date) -> Team:
        """The team on a day; the first team also stands for the time before."""
        current = self.teams[0][1]
        for since, team in self.teams:
            if since <= day:
                current = team
        return current


@dataclass(frozen=True, slots=True)
class Workspace:
    """An Anthropic workspace. The default workspace has no id and is in no list."""

    id: str
    name: str
    created: date
    archived: date | None
    color: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key with its true owner, and separately what each register says about it."""

    id: str
    name: str
    profile: Profile
    workspace_id: str | None
    created: date
    last_day: date | None
    owner: Owner
    """Who really uses it."""
    knowable_owner: Owner
    """Who can be named from registers, vendor directory and name pattern; else UNKNOWN."""
    platform_subtype: Literal["claude_api", "claude_code"]
    person: int | None
    """The owner's number, for keys of one person."""
    level: float
    created_by_type: Literal["user", "service_account"]
    created_by_id: str
    registered: bool
    intended_use: Literal["personal", "team", "service", "project_specific"]
    contact_email: str
    """The register's `user_email`: the owner, or the contact of a shared key."""
    environment: str
    cost_center: str
    project_codes: tuple[str, ...]
    expires: date | None
    auto_deactivate_after_days: int | None

    def alive(self, day: date) -> bool:
        """Whether the key may be used on the day."""
        return self.created <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Roster:
    """People, workspaces and keys of one company."""

    people: tuple[Person, ...]
    workspaces: tuple[Workspace, ...]
    keys: tuple[ApiKey, ...]
    teams: tuple[Team, ...]
    removed_console_user: str
    service_account: str


def build_roster(seed: str, people: int, anchor: date, *, tidy: bool = False) -> Roster:
    """The company of a seed; in a `tidy` one no two keys have one name.

    ValueError below the size at which the whole cast exists.
    """
    if people < SMALLEST_COMPANY:
        raise ValueError(f"a company needs at least {SMALLEST_COMPANY} people, not {people}")
    names = _names(seed, people)
    teams = _teams(names)
    staff = tuple(_person(seed, n, names, teams, anchor) for n in range(people))
    workspaces = _workspaces(seed, anchor)
    removed = seeding.opaque_id("user", seed, "removed")
    service_account = seeding.opaque_id("svac", seed, "provisioning")
    keys = _keys(seed, staff, workspaces, teams, anchor, removed, service_account)
    if tidy:
        keys = tuple(_with_its_own_name(key, staff) for key in keys)
    return Roster(staff, workspaces, keys, teams, removed, service_account)


def _with_its_own_name(key: ApiKey, people: tuple[Person, ...]) -> ApiKey:
    if key.person not in SAME_KEY_NAME:
        return key
    return replace(key, name=f"{people[key.person].handle.replace('.', '-')}-{key.name}")


def ascii_handle(first: str, last: str) -> str:
    """`first.last` without diacritics, lower case."""
    text = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ø", "o").replace("Ø", "O"))
    return text.encode("ascii", "ignore").decode().lower()


def _names(seed: str, people: int) -> list[tuple[str, str, str]]:
    """(first, last, e-mail) of each person: all e-mails differ."""
    rng = seeding.stream(seed, "names")
    combinations = [(first, last) for first in _FIRST_NAMES for last in _LAST_NAMES]
    rng.shuffle(combinations)
    names: list[tuple[str, str, str]] = []
    for n in range(people):
        lap, at = divmod(n, len(combinations))
        first, last = combinations[at]
        suffix = str(lap + 1) if lap else ""
        names.append((first, last, f"{ascii_handle(first, last)}{suffix}@{DOMAIN}"))
    return names


def _teams(names: list[tuple[str, str, str]]) -> tuple[Team, ...]:
    """Eight teams at forty people; a larger company gets more squads of each."""
    squads = max(1, len(names) // 80)
    teams: list[Team] = []
    for squad in range(squads):
        for name, department, code, cost_center in _TEAMS:
            teams.append(
                Team(
                    name=name if squad == 0 else f"{name} {squad + 1}",
                    sub_team="" if squads == 1 else f"Squad {squad + 1}",
                    department=department,
                    department_code=code,
                    cost_center=f"CC-{int(cost_center[3:]) + squad}",
                    manager_email=names[_manager_number(len(teams), 8 * squads)][2],
                    director_email=names[_DIRECTORS[code]][2],
                )
            )
    return tuple(teams)


def _manager_number(team: int, teams: int) -> int:
    """The number of a team's manager: a member of it, and nobody of the cast."""
    if team < len(_TEAMS):
        return team
    rounds = -(-max(0, 40 - team) // teams)
    return team + rounds * teams


def _person(
    seed: str, n: int, names: list[tuple[str, str, str]], teams: tuple[Team, ...], anchor: date
) -> Person:
    rng = seeding.stream(seed, "person", n)
    first, last, email = names[n]
    team = teams[n % len(teams)]
    is_manager = n == _manager_number(n % len(teams), len(teams))
    start = anchor - timedelta(days=620 + int(rng.random() * 1500))
    history: tuple[tuple[date, Team], ...] = ((date.min, team),)
    end: date | None = None
    if n == MOVER:
        moved = anchor - timedelta(days=46)
        to_team = next(other for other in teams if other.name == "Machine Learning")
        history = ((date.min, teams[0]), (moved, to_team))
    elif n == RECENT_JOINER:
        start = anchor - timedelta(days=33)
    elif n == EARLIER_JOINER:
        start = anchor - timedelta(days=190)
    elif n == RECENT_LEAVER:
        end = anchor - timedelta(days=20)
    elif n == EARLIER_LEAVER:
        end = anchor - timedelta(days=150)
    level = ("junior", "mid", "senior", "staff")[int(rng.random() * 4)]
    title = _title(team.department)
    if is_manager:
        level, title = "staff", f"Manager, {team.name}"
    if n in _DIRECTORS.values():
        level, title = "principal", f"Director, {team.department}"
    newer = n in (RECENT_JOINER, EARLIER_JOINER)
    return Person(
        number=n,
        user_id=f"u{n + 1:05d}",
        employee_id=f"E{10001 + n}",
        cursor_id=seeding.opaque_id("user", seed, "cursor", n) if newer else 240_000 + 37 * n,
        console_id=seeding.opaque_id("user", seed, "console", n),
        first_name=first,
        last_name=last,
        email=email,
        aliases=(f"{email[0]}{email.partition('.')[2]}",) if n == ALIAS else (),
        teams=history,
        start_date=start,
        end_date=end,
        job_title=title,
        seniority_level=level,
        employment_type="contractor" if n == CONTRACTOR else "full_time",
        place=PLACES[(0, 1, 2, 0, 3, 1, 0, 2)[n % 8]] if n != MOVER else PLACES[0],
        budget_usd=(None, 150, 300, 600)[int(rng.random() * 4)] if not is_manager else 300,
        cursor_level=_cursor_level(n, rng.random(), is_manager),
        code_mode=_code_mode(n, is_manager),
        code_level=0.4 + 1.2 * rng.random(),
        api_level=_api_level(n, 0.5 + rng.random(), is_manager),
        terminals=(
            ("vscode", "iTerm.app"),
            ("vscode",),
            ("tmux", "vscode"),
            ("cursor", "Apple_Terminal"),
            ("WarpTerminal",),
        )[int(rng.random() * 5)],
    )


def _title(department: str) -> str:
    return {
        "Engineering": "Software Engineer",
        "Data": "Data Scientist",
        "Product": "Product Designer",
        "Technology": "Security Engineer",
    }[department]


def _cursor_level(n: int, draw: float, is_manager: bool) -> float:
    if n in (MOVER, RECENT_JOINER, EARLIER_JOINER, RECENT_LEAVER, EARLIER_LEAVER, MIDNIGHT_AGENT):
        return 0.7 + draw
    if n == NEVER_ACTIVE:
        return 0.0
    if is_manager:
        return 0.3 * draw
    return 0.0 if n % 7 == 3 else 0.3 + 1.4 * draw


def _code_mode(n: int, is_manager: bool) -> CodeMode:
    """The cast's modes are fixed; everybody else's follow from the number."""
    cast: dict[int, CodeMode] = {
        MOVER: "console",
        RECENT_LEAVER: "console",
        ALIAS: "subscription",
        NEVER_ACTIVE: "none",
        CODE_KEY_PATTERN_ONLY: "console",
        CODE_KEY_UNREGISTERED: "console",
        CONSOLE_LOGIN: "login",
        BOTH_CUSTOMER_TYPES: "both",
    }
    if n in cast:
        return cast[n]
    if is_manager or n in SAME_KEY_NAME:
        return "none"
    modes: tuple[CodeMode, ...] = ("none", "subscription", "console", "subscription", "none")
    return modes[n % 5]


def _api_level(n: int, draw: float, is_manager: bool) -> float:
    cast = {MOVER, RECENT_LEAVER, CONTRACTOR, KEY_MADE_BY_ADMIN, UNREGISTERED_KEY, *SAME_KEY_NAME}
    if n in cast or (n > MIDNIGHT_AGENT and not is_manager and n % 6 == 1):
        return draw
    return 0.0


def _workspaces(seed: str, anchor: date) -> tuple[Workspace, ...]:
    def workspace(name: str, age: int, color: str, archived_ago: int | None = None) -> Workspace:
        return Workspace(
            id=seeding.opaque_id("wrkspc", seed, name),
            name=name,
            created=anchor - timedelta(days=age),
            archived=None if archived_ago is None else anchor - timedelta(days=archived_ago),
            color=color,
        )

    return (
        workspace("Claude Code", 900, "#D97757"),
        workspace("Production", 880, "#6C5BB9"),
        workspace("Data Science", 860, "#2F7F79"),
        workspace("Hackathon", 700, "#B0413E", archived_ago=60),
    )


def _keys(
    seed: str,
    people: tuple[Person, ...],
    workspaces: tuple[Workspace, ...],
    teams: tuple[Team, ...],
    anchor: date,
    removed_user: str,
    service_account: str,
) -> tuple[ApiKey, ...]:
    claude_code, production, data_science, hackathon = (w.id for w in workspaces)
    admin = people[ADMIN]
    keys: list[ApiKey] = []

    def personal(person: Person) -> ApiKey:
        n = person.number
        rng = seeding.stream(seed, "key", "personal", n)
        shared_name = n in SAME_KEY_NAME
        return ApiKey(
            id=seeding.opaque_id("apikey", seed, "personal", n),
            name="laptop" if shared_name else f"{person.handle.replace('.', '-')}-dev",
            profile="laptop" if shared_name else "personal",
            workspace_id=(None, data_science, None)[n % 3] if not shared_name else None,
            created=max(person.start_date, anchor - timedelta(days=520 + int(rng.random() * 80)))
            if n != CONTRACTOR
            else anchor - timedelta(days=130),
            last_day=person.end_date,
            owner=Owner("person", person.email),
            knowable_owner=Owner("person", person.email),
            platform_subtype="claude_api",
            person=n,
            level=person.api_level,
            created_by_type="user",
            created_by_id=admin.console_id if n == KEY_MADE_BY_ADMIN else person.console_id,
            registered=n != UNREGISTERED_KEY,
            intended_use="project_specific" if n == MOVER else "personal",
            contact_email=person.email,
            environment="development",
            cost_center="",
            project_codes=("ATLAS",) if n == MOVER else (),
            expires=anchor + timedelta(days=150) if n == CONTRACTOR else None,
            auto_deactivate_after_days=90,
        )

    def code(person: Person) -> ApiKey:
        n = person.number
        suffix = seeding.opaque_id("k", seed, "suffix", n, length=4)[-4:].lower()
        return ApiKey(
            id=seeding.opaque_id("apikey", seed, "claude_code", n),
            name=f"claude_code_key_{person.handle}_{suffix}",
            profile="claude_code",
            workspace_id=claude_code,
            created=max(person.start_date, anchor - timedelta(days=540)),
            last_day=person.end_date,
            owner=Owner("person", person.email),
            knowable_owner=Owner("person", person.email),
            platform_subtype="claude_code",
            person=n,
            level=person.code_level,
            created_by_type="service_account" if n == CODE_KEY_PATTERN_ONLY else "user",
            created_by_id=service_account if n == CODE_KEY_PATTERN_ONLY else person.console_id,
            registered=n not in (CODE_KEY_PATTERN_ONLY, CODE_KEY_UNREGISTERED),
            intended_use="personal",
            contact_email=person.email,
            environment="development",
            cost_center="",
            project_codes=(),
            expires=None,
            auto_deactivate_after_days=None,
        )

    def shared(
        name: str,
        profile: Profile,
        use: Literal["team", "service"],
        team: Team,
        workspace_id: str | None,
        projects: tuple[str, ...] = (),
        by_service_account: bool = False,
        level: float = 1.0,
        last_day: date | None = None,
    ) -> ApiKey:
        owner = Owner("team", team.name)
        contact = next(person for person in people if person.email == team.manager_email)
        return ApiKey(
            id=seeding.opaque_id("apikey", seed, "shared", name),
            name=name,
            profile=profile,
            workspace_id=workspace_id,
            created=anchor - timedelta(days=600),
            last_day=last_day,
            owner=owner,
            knowable_owner=owner,
            platform_subtype="claude_api",
            person=None,
            level=level,
            created_by_type="service_account" if by_service_account else "user",
            created_by_id=service_account if by_service_account else contact.console_id,
            registered=True,
            intended_use=use,
            contact_email=contact.email,
            environment="production" if use == "service" else "testing",
            cost_center=team.cost_center,
            project_codes=projects,
            expires=None,
            auto_deactivate_after_days=None,
        )

    for person in people:
        if person.api_level > 0:
            keys.append(personal(person))
        if person.code_mode in ("console", "login", "both"):
            keys.append(code(person))
    keys += [
        shared("payments-assistant", "team", "team", teams[1], None, ("LEDGER",)),
        shared("search-relevance", "team", "team", teams[3], data_science, ("ATLAS", "LEDGER")),
        shared("support-bot", "service", "service", teams[0], production, ("SUPPORT",), True),
        shared("nightly-labels", "batch", "service", teams[5], data_science, ("ATLAS",)),
        shared(
            "hackathon-demo",
            "team",
            "team",
            teams[2],
            hackathon,
            level=0.3,
            last_day=workspaces[3].archived,
        ),
        # Nobody can be named for this one: not registered, and who created it is gone.
        ApiKey(
            id=seeding.opaque_id("apikey", seed, "orphan"),
            name="legacy-script",
            profile="script",
            workspace_id=None,
            created=anchor - timedelta(days=800),
            last_day=None,
            owner=Owner("team", teams[0].name),
            knowable_owner=UNKNOWN,
            platform_subtype="claude_api",
            person=None,
            level=1.0,
            created_by_type="user",
            created_by_id=removed_user,
            registered=False,
            intended_use="service",
            contact_email="",
            environment="",
            cost_center="",
            project_codes=(),
            expires=None,
            auto_deactivate_after_days=None,
        ),
    ]
    if len(teams) > len(_TEAMS):
        keys += [
            shared(f"{team.name.lower().replace(' ', '-')}-team", "team", "team", team, None)
            for team in teams[len(_TEAMS) :]
            if team.department in ("Engineering", "Data")
        ]
    return tuple(keys)
