"""
The questions, as SQL that ClickHouse 18.16 and today's understand alike.

`FINAL` makes one of rows with the same key, wherever a replay or a second replica left them. Days of an install that is
being erased count once: under the install until its copy is whole, then under the copy.
"""

from __future__ import annotations

from datetime import date

FIRST, LAST = date(1970, 1, 2), date(2105, 1, 1)
"""Days that a ClickHouse `Date` can be."""
NOT_DOUBLE = "install GLOBAL NOT IN (SELECT if(state = 1, token, install) FROM gone FINAL)"
STILL_THERE = "is_left = 0 AND install GLOBAL NOT IN (SELECT install FROM gone FINAL)"
NOT_GONE = "install GLOBAL NOT IN (SELECT install FROM gone FINAL WHERE state = 2)"
KINDS = ("release", "python", "system", "machine", "ci")
COPIED = ("project", "day", "batch", "at", *KINDS)
"""What an erased install leaves of its days."""


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def day(value: date) -> str:
    return f"toDate('{min(max(value, FIRST), LAST).isoformat()}')"


def days(column: str, since: date, until: date) -> str:
    return f"{column} >= {day(since)} AND {column} <= {day(until)}"


def batches(install: int) -> str:
    columns = "batch, sha256, counted, refused, sequence, toString(received_on)"
    return f"SELECT {columns} FROM told FINAL WHERE install = {install} AND {NOT_GONE} ORDER BY at, batch"


def one_batch(install: int, batch: str) -> str:
    columns = "batch, sha256, counted, refused, sequence, toString(received_on)"
    return f"SELECT {columns} FROM told FINAL WHERE install = {install} AND batch = {text(batch)}"


def body(install: int, batch: str) -> str:
    return f"SELECT body FROM body FINAL WHERE install = {install} AND batch = {text(batch)} AND {NOT_GONE}"


def counts(project: int, since: date, until: date) -> str:
    """Rows of what was counted: day_, event_, properties_, release_, times_."""
    return f"""SELECT day_, event_, properties_, release_, times_ FROM (
SELECT days, events, properties, releases, times FROM counted FINAL
WHERE project = {project} AND last_day >= {day(since)} AND first_day <= {day(until)}
) ARRAY JOIN days AS day_, events AS event_, properties AS properties_, releases AS release_, times AS times_
WHERE {days("day_", since, until)}"""


def counted(project: int, since: date, until: date, most: int | None) -> str:
    """Event, day, times; of the `most` events that happened most."""
    rows = counts(project, since, until)
    top = f"SELECT event_ FROM ({rows}) GROUP BY event_ ORDER BY sum(times_) DESC, event_ LIMIT {most}"
    among = "" if most is None else f" WHERE event_ GLOBAL IN ({top})"
    by = "GROUP BY event_, day_ ORDER BY event_, day_"
    return f"SELECT event_, toString(day_), sum(times_) FROM ({rows}){among} {by}"


def days_of(project: int, event: str, since: date, until: date) -> str:
    rows = f"{counts(project, since, until)} AND event_ = {text(event)}"
    return f"SELECT toString(day_), sum(times_) FROM ({rows}) GROUP BY day_ ORDER BY day_"


def details(project: int, event: str, since: date, until: date) -> str:
    rows = f"{counts(project, since, until)} AND event_ = {text(event)}"
    return f"""SELECT properties_, release_, sum(times_) AS n FROM ({rows})
GROUP BY properties_, release_ ORDER BY n DESC, properties_, release_"""


def rows(project: int, event: str, since: date, until: date) -> str:
    found = f"{counts(project, since, until)} AND event_ = {text(event)}"
    return f"""SELECT toString(day_), properties_, release_, sum(times_) FROM ({found})
GROUP BY day_, properties_, release_ ORDER BY day_, properties_, release_"""


def used(project: int, columns: str, more: str = "") -> str:
    return f"SELECT {columns} FROM used FINAL WHERE project = {project} AND {NOT_DOUBLE} {more}"


def copied(install: int) -> str:
    columns = ", ".join("toString(day)" if name == "day" else name for name in COPIED)
    return f"SELECT {columns} FROM used FINAL WHERE install = {install}"


def active(project: int, since: date, until: date) -> str:
    """Day, and installs in the 1, 7, 28 and 14 days that end with it."""
    spans = used(project, "install, day, arrayJoin(range(28)) AS ago, day + ago AS at_day")
    nearest = f"""SELECT install, at_day, min(ago) AS nearest FROM ({spans})
WHERE {days("at_day", since, until)} GROUP BY install, at_day"""
    return f"""SELECT toString(at_day), sum(nearest < 1), sum(nearest < 7), count(), sum(nearest < 14)
FROM ({nearest}) GROUP BY at_day ORDER BY at_day"""


def fresh(project: int, since: date, until: date) -> str:
    firsts = f"SELECT install, min(day) AS first FROM ({used(project, 'install, day')}) GROUP BY install"
    return f"SELECT toString(first), count() FROM ({firsts}) WHERE {days('first', since, until)} GROUP BY first"


def users(project: int, since: date) -> str:
    rows = f"SELECT install, events FROM used FINAL WHERE project = {project} AND day >= {day(since)} AND {STILL_THERE}"
    return f"""SELECT event, uniqExact(install) FROM ({rows}) ARRAY JOIN events AS event
GROUP BY event ORDER BY event"""


def places(project: int, since: date, kind: str) -> str:
    rows = f"SELECT install, day, at, {kind} AS place FROM used FINAL WHERE project = {project} AND {STILL_THERE}"
    # a day and a moment as one number: what was told last of the last day
    last = (
        f"SELECT install, argMax(place, (toUInt64(day), at)) AS place_, max(day) AS last FROM ({rows}) GROUP BY install"
    )
    return f"""SELECT place_, count() AS n FROM ({last}) WHERE last >= {day(since)}
GROUP BY place_ ORDER BY n DESC, place_"""


def spread(project: int, kind: str, since: date, until: date) -> str:
    rows = used(project, f"install, day, at, {kind} AS place", f"AND {days('day', since, until)}")
    first = f"SELECT install, day, argMin(place, at) AS place_ FROM ({rows}) GROUP BY install, day"
    return f"SELECT place_, toString(day), count() FROM ({first}) GROUP BY place_, day ORDER BY place_, day"


def in_week(project: int, week: date, until: date) -> str:
    columns = ", ".join(f"argMin({kind}, (at, toUInt64(day))) AS {kind}_" for kind in KINDS)
    rows = used(project, "install, day, at, " + ", ".join(KINDS), f"AND {days('day', week, until)}")
    first = f"SELECT install, {columns} FROM ({rows}) GROUP BY install"
    kinds, values = ", ".join(text(kind) for kind in KINDS), ", ".join(f"{kind}_" for kind in KINDS)
    return f"""SELECT kind, value, count() FROM ({first}) ARRAY JOIN [{kinds}] AS kind, [{values}] AS value
GROUP BY kind, value ORDER BY kind, value"""


def kept(project: int, since: date, until: date) -> str:
    weeks = f"""SELECT install, toMonday(min(day)) AS cohort, arrayJoin(groupUniqArray(toMonday(day))) AS week
FROM ({used(project, "install, day")}) GROUP BY install"""
    return f"""SELECT toString(cohort), toString(week), count() FROM ({weeks}) WHERE {days("cohort", since, until)}
GROUP BY cohort, week ORDER BY cohort, week"""


def lost(project: int, since: date, until: date) -> str:
    """Reason, event, times; without copies that do not count yet."""
    pending = "token GLOBAL NOT IN (SELECT concat('gone-', toString(token)) FROM gone FINAL WHERE state = 1)"
    rows = f"""SELECT reasons, lost_events, lost FROM counted FINAL
WHERE project = {project} AND {days("lost_on", since, until)} AND {pending}"""
    return f"""SELECT reason, event, sum(n) FROM ({rows})
ARRAY JOIN reasons AS reason, lost_events AS event, lost AS n GROUP BY reason, event"""


def gaps(where: str) -> str:
    """
    Day and how many: batches missing below the highest that an install has told so far, on the day it was told.

    In the order in which batches came: each that is higher than all before it tells of a gap, less what came later.
    """
    numbers = f"SELECT install, sequence, at, received_on FROM told FINAL WHERE {where} AND {NOT_GONE}"
    arrays = f"""SELECT arraySort((number, moment) -> moment, groupArray(sequence), groupArray(at)) AS s,
arraySort((shown, moment) -> moment, groupArray(received_on), groupArray(at)) AS r FROM ({numbers}) GROUP BY install"""
    highest = (
        "arrayMap(i -> arrayReduce('max', arrayConcat([toUInt64(0)], arraySlice(s, 1, i - 1))), arrayEnumerate(s))"
    )
    tops = f"SELECT s, r, {highest} AS h FROM ({arrays})"
    between = "arrayUniq(arrayFilter(x -> x > before AND x < number, s))"
    return f"""SELECT toString(shown_on), sum(number - before - 1 - {between}) AS n FROM ({tops})
ARRAY JOIN s AS number, h AS before, r AS shown_on WHERE number > before GROUP BY shown_on HAVING n > 0"""
