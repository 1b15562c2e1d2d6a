-- PostgreSQL: wide tables, partitioned by day, with a tree of (name, time DESC) and BRIN of time.

-- name: last-loc
SELECT t.name, t.driver, a.latitude, b.longitude FROM trucks t
CROSS JOIN LATERAL (SELECT latitude FROM readings r WHERE r.name = t.name AND latitude IS NOT NULL
                    ORDER BY time DESC LIMIT 1) a
CROSS JOIN LATERAL (SELECT longitude FROM readings r WHERE r.name = t.name AND longitude IS NOT NULL
                    ORDER BY time DESC LIMIT 1) b
WHERE t.fleet = '{fleet}'

-- name: single-last-loc
SELECT t.name, t.driver, a.latitude, b.longitude FROM trucks t
CROSS JOIN LATERAL (SELECT latitude FROM readings r WHERE r.name = t.name AND latitude IS NOT NULL
                    ORDER BY time DESC LIMIT 1) a
CROSS JOIN LATERAL (SELECT longitude FROM readings r WHERE r.name = t.name AND longitude IS NOT NULL
                    ORDER BY time DESC LIMIT 1) b
WHERE t.name = '{truck}'

-- name: low-fuel
SELECT t.name, t.driver, a.fuel_state FROM trucks t
CROSS JOIN LATERAL (SELECT fuel_state FROM diagnostics d
                    WHERE d.name = t.name AND fuel_state IS NOT NULL
                    ORDER BY time DESC LIMIT 1) a
WHERE t.fleet = '{fleet}' AND a.fuel_state < 0.1

-- name: high-load
SELECT t.name, t.driver, a.current_load FROM trucks t
CROSS JOIN LATERAL (SELECT current_load FROM diagnostics d
                    WHERE d.name = t.name AND current_load IS NOT NULL
                    ORDER BY time DESC LIMIT 1) a
WHERE t.fleet = '{fleet}' AND a.current_load / t.load_capacity > 0.9

-- name: stationary-trucks
SELECT t.name, t.driver, avg(r.velocity) AS mean
FROM readings r JOIN trucks t ON t.name = r.name
WHERE t.fleet = '{fleet}' AND r.time >= '{from}' AND r.time < '{to}'
GROUP BY 1, 2 HAVING avg(r.velocity) < 1

-- name: long-driving-sessions
WITH spans AS (
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span FROM readings
    WHERE time >= '{from}' AND time < '{to}'
      AND name IN (SELECT name FROM trucks WHERE fleet = '{fleet}')
    GROUP BY 1, 2 HAVING avg(velocity) > 1)
SELECT t.name, t.driver, count(*) FROM spans s JOIN trucks t ON t.name = s.name
GROUP BY 1, 2 HAVING count(*) > 22

-- name: long-daily-sessions
WITH spans AS (
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span FROM readings
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
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span FROM readings
    GROUP BY 1, 2 HAVING avg(velocity) > 1),
days AS (
    SELECT name, date_bin('1 day', span, '2000-01-01Z') AS day, count(*) / 6.0::float8 AS hours
    FROM spans GROUP BY 1, 2)
SELECT t.fleet, t.name, t.driver, avg(d.hours)
FROM days d JOIN trucks t ON t.name = d.name GROUP BY 1, 2, 3

-- name: avg-daily-driving-session
WITH spans AS (
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span, avg(velocity) > 5 AS driving
    FROM readings WHERE velocity IS NOT NULL GROUP BY 1, 2),
marked AS (
    SELECT name, span, driving, lag(driving) OVER (PARTITION BY name ORDER BY span) AS before
    FROM spans),
changes AS (
    SELECT name, driving, span AS start,
           lead(span) OVER (PARTITION BY name ORDER BY span) AS stop
    FROM marked WHERE driving <> before)
SELECT t.name, extract(epoch FROM date_bin('1 day', c.start, '2000-01-01Z'))::float8 AS day, avg(extract(epoch FROM stop)::float8 - extract(epoch FROM start)::float8)
FROM changes c JOIN trucks t ON t.name = c.name
WHERE driving AND stop IS NOT NULL GROUP BY 1, 2

-- name: avg-load
WITH loads AS (SELECT name, avg(current_load) AS load FROM diagnostics GROUP BY 1)
SELECT t.fleet, t.model, avg(l.load / t.load_capacity)
FROM loads l JOIN trucks t ON t.name = l.name GROUP BY 1, 2

-- name: daily-activity
WITH spans AS (
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span FROM diagnostics
    GROUP BY 1, 2 HAVING avg(status) < 1)
SELECT t.fleet, t.model, extract(epoch FROM date_bin('1 day', s.span, '2000-01-01Z'))::float8 AS day, count(*) / 144.0::float8
FROM spans s JOIN trucks t ON t.name = s.name GROUP BY 1, 2, 3

-- name: breakdown-frequency
WITH spans AS (
    SELECT name, date_bin('10 minutes', time, '2000-01-01Z') AS span,
           avg(CASE WHEN status = 0 THEN 1.0::float8 ELSE 0.0 END) >= 0.5 AS broken
    FROM diagnostics WHERE status IS NOT NULL GROUP BY 1, 2),
pairs AS (
    SELECT name, broken, lead(broken) OVER (PARTITION BY name ORDER BY span) AS after
    FROM spans)
SELECT t.model, count(*) FROM pairs p JOIN trucks t ON t.name = p.name
WHERE NOT p.broken AND p.after GROUP BY 1
