"""What is said to SQLite and PostgreSQL in their own words: for every batch, or of many rows, where the ORM is slow."""

from __future__ import annotations

TAKE = """INSERT INTO events_batch (install, batch, sequence, sha256, received_on, counted, refused, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (install, batch) DO NOTHING"""
ADD_COUNT = """INSERT INTO events_count (project, event, day, properties, release, times)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project, event, day, properties, release) DO UPDATE SET times = events_count.times + excluded.times"""
ADD_EVENT = """INSERT INTO events_eventday (project, day, event, times, last_here) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project, day, event) DO UPDATE SET times = events_eventday.times + excluded.times,
last_here = events_eventday.last_here + excluded.last_here"""
HEAR = """INSERT INTO events_heard (install, event, last_day) VALUES (%s, %s, %s)
ON CONFLICT (install, event) DO UPDATE SET last_day = excluded.last_day"""
ADD_LOSS = """INSERT INTO events_loss (project, day, reason, event, times) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project, day, reason, event) DO UPDATE SET times = events_loss.times + excluded.times"""
ADD_ACTIVE = """INSERT INTO events_active (project, day, daily, weekly, fortnightly, monthly, fresh)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (project, day) DO UPDATE SET daily = events_active.daily + excluded.daily,
weekly = events_active.weekly + excluded.weekly, fortnightly = events_active.fortnightly + excluded.fortnightly,
monthly = events_active.monthly + excluded.monthly, fresh = events_active.fresh + excluded.fresh"""
ADD_PLACE = """INSERT INTO events_place (project, day, kind, value, daily, last_here) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (project, kind, day, value) DO UPDATE SET daily = events_place.daily + excluded.daily,
last_here = events_place.last_here + excluded.last_here"""
ADD_IN_WEEK = """INSERT INTO events_inweek (project, kind, week, value, installs) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project, week, kind, value) DO UPDATE SET installs = events_inweek.installs + excluded.installs"""
ADD_KEPT = """INSERT INTO events_kept (project, cohort, week, installs) VALUES (%s, %s, %s, %s)
ON CONFLICT (project, cohort, week) DO UPDATE SET installs = events_kept.installs + excluded.installs"""
HEARD = """SELECT event, last_day FROM events_heard WHERE install = %s
UNION ALL SELECT '', NULL FROM events_closed WHERE install = %s"""
COUNTED = """SELECT event, day, times FROM events_eventday
WHERE project = %s AND day BETWEEN %s AND %s AND times > 0 ORDER BY event, day"""
COUNTED_MOST = """SELECT event, day, times FROM events_eventday
WHERE project = %s AND day BETWEEN %s AND %s AND times > 0 AND event IN (
SELECT event FROM events_eventday WHERE project = %s AND day BETWEEN %s AND %s
GROUP BY event ORDER BY sum(times) DESC, event LIMIT %s) ORDER BY event, day"""
SPREAD = """SELECT value, day, daily FROM events_place
WHERE project = %s AND kind = %s AND day BETWEEN %s AND %s AND daily > 0 ORDER BY value, day"""
REMEMBER = """UPDATE events_activity SET sequence = %s, first_day = %s, last_day = %s, mask = %s, release = %s,
python = %s, system = %s, machine = %s, ci = %s WHERE install = %s"""
