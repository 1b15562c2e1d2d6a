-- DuckDB on its own tables, which are wide and sorted by name and time.

-- name: last-loc
SELECT t.name, t.driver, arg_max(r.latitude, r.time), arg_max(r.longitude, r.time)
FROM readings r JOIN trucks t ON t.name = r.name WHERE t.fleet = '{fleet}' GROUP BY 1, 2

-- name: single-last-loc
SELECT t.name, t.driver, arg_max(r.latitude, r.time), arg_max(r.longitude, r.time)
FROM readings r JOIN trucks t ON t.name = r.name WHERE r.name = '{truck}' GROUP BY 1, 2

-- name: low-fuel
SELECT t.name, t.driver, arg_max(d.fuel_state, d.time) AS fuel
FROM diagnostics d JOIN trucks t ON t.name = d.name WHERE t.fleet = '{fleet}'
GROUP BY 1, 2 HAVING fuel < 0.1

-- name: high-load
SELECT t.name, t.driver, arg_max(d.current_load, d.time) AS load
FROM diagnostics d JOIN trucks t ON t.name = d.name WHERE t.fleet = '{fleet}'
GROUP BY t.name, t.driver, t.load_capacity HAVING load / t.load_capacity > 0.9

-- name: stationary-trucks
SELECT t.name, t.driver, avg(r.velocity) AS mean
FROM readings r JOIN trucks t ON t.name = r.name
WHERE t.fleet = '{fleet}' AND r.time >= '{from}' AND r.time < '{to}'
GROUP BY 1, 2 HAVING mean < 1

-- name: long-driving-sessions
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM readings
    WHERE time >= '{from}' AND time < '{to}'
      AND name IN (SELECT name FROM trucks WHERE fleet = '{fleet}')
    GROUP BY 1, 2 HAVING avg(velocity) > 1)
SELECT t.name, t.driver, count(*) FROM spans s JOIN trucks t ON t.name = s.name
GROUP BY 1, 2 HAVING count(*) > 22

-- name: long-daily-sessions
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM readings
    WHERE time >= '{from}' AND time < '{to}'
      AND name IN (SELECT name FROM trucks WHERE fleet = '{fleet}')
    GROUP BY 1, 2 HAVING avg(velocity) > 1)
SELECT t.name, t.driver, count(*) FROM spans s JOIN trucks t ON t.name = s.name
GROUP BY 1, 2 HAVING count(*) > 60

-- name: avg-vs-projected-fuel-consumption
SELECT t.fleet, avg(r.fuel_consumption), avg(t.nominal_fuel_consumption)
FROM readings r JOIN trucks t ON t.name = r.name WHERE r.velocity > 1 GROUP BY 1

-- name: avg-daily-driving-duration
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM readings
    GROUP BY 1, 2 HAVING avg(velocity) > 1),
days AS (
    SELECT name, time_bucket(INTERVAL 1 DAY, span) AS day, count(*) / 6.0 AS hours
    FROM spans GROUP BY 1, 2)
SELECT t.fleet, t.name, t.driver, avg(d.hours)
FROM days d JOIN trucks t ON t.name = d.name GROUP BY 1, 2, 3

-- name: avg-daily-driving-session
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span, avg(velocity) > 5 AS driving
    FROM readings WHERE velocity IS NOT NULL GROUP BY 1, 2),
marked AS (
    SELECT name, span, driving, lag(driving) OVER (PARTITION BY name ORDER BY span) AS before
    FROM spans),
changes AS (
    SELECT name, driving, span AS start,
           lead(span) OVER (PARTITION BY name ORDER BY span) AS stop
    FROM marked WHERE driving <> before)
SELECT t.name, epoch(time_bucket(INTERVAL 1 DAY, c.start)) AS day, avg(epoch(stop) - epoch(start))
FROM changes c JOIN trucks t ON t.name = c.name
WHERE driving AND stop IS NOT NULL GROUP BY 1, 2

-- name: avg-load
WITH loads AS (SELECT name, avg(current_load) AS load FROM diagnostics GROUP BY 1)
SELECT t.fleet, t.model, avg(l.load / t.load_capacity)
FROM loads l JOIN trucks t ON t.name = l.name GROUP BY 1, 2

-- name: daily-activity
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM diagnostics
    GROUP BY 1, 2 HAVING avg(status) < 1)
SELECT t.fleet, t.model, epoch(time_bucket(INTERVAL 1 DAY, s.span)) AS day, count(*) / 144.0
FROM spans s JOIN trucks t ON t.name = s.name GROUP BY 1, 2, 3

-- name: breakdown-frequency
WITH spans AS (
    SELECT name, time_bucket(INTERVAL 10 MINUTES, time) AS span,
           avg(CASE WHEN status = 0 THEN 1.0 ELSE 0.0 END) >= 0.5 AS broken
    FROM diagnostics WHERE status IS NOT NULL GROUP BY 1, 2),
pairs AS (
    SELECT name, broken, lead(broken) OVER (PARTITION BY name ORDER BY span) AS after
    FROM spans)
SELECT t.model, count(*) FROM pairs p JOIN trucks t ON t.name = p.name
WHERE NOT p.broken AND p.after GROUP BY 1
