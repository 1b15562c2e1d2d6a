-- DuckDB on the files that Althing wrote. `narrow` is them, `trucks` what describes the trucks.

-- name: last-loc
SELECT t.name, t.driver, arg_max(n.number, n.time) FILTER (n.signal = 'readings.latitude'),
       arg_max(n.number, n.time) FILTER (n.signal = 'readings.longitude')
FROM narrow n JOIN trucks t ON t.name = n.device
WHERE t.fleet = '{fleet}' AND n.signal IN ('readings.latitude', 'readings.longitude')
GROUP BY 1, 2

-- name: single-last-loc
SELECT t.name, t.driver, arg_max(n.number, n.time) FILTER (n.signal = 'readings.latitude'),
       arg_max(n.number, n.time) FILTER (n.signal = 'readings.longitude')
FROM narrow n JOIN trucks t ON t.name = n.device
WHERE n.device = '{truck}' AND n.signal IN ('readings.latitude', 'readings.longitude')
GROUP BY 1, 2

-- name: low-fuel
SELECT t.name, t.driver, arg_max(n.number, n.time) AS fuel
FROM narrow n JOIN trucks t ON t.name = n.device
WHERE t.fleet = '{fleet}' AND n.signal = 'diagnostics.fuel_state'
GROUP BY 1, 2 HAVING fuel < 0.1

-- name: high-load
SELECT t.name, t.driver, arg_max(n.number, n.time) AS load
FROM narrow n JOIN trucks t ON t.name = n.device
WHERE t.fleet = '{fleet}' AND n.signal = 'diagnostics.current_load'
GROUP BY t.name, t.driver, t.load_capacity HAVING load / t.load_capacity > 0.9

-- name: stationary-trucks
SELECT t.name, t.driver, avg(n.number) AS velocity
FROM narrow n JOIN trucks t ON t.name = n.device
WHERE t.fleet = '{fleet}' AND n.signal = 'readings.velocity'
  AND n.time >= '{from}' AND n.time < '{to}'
GROUP BY 1, 2 HAVING velocity < 1

-- name: long-driving-sessions
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM narrow
    WHERE signal = 'readings.velocity' AND time >= '{from}' AND time < '{to}'
      AND device IN (SELECT name FROM trucks WHERE fleet = '{fleet}')
    GROUP BY 1, 2 HAVING avg(number) > 1)
SELECT t.name, t.driver, count(*) FROM spans s JOIN trucks t ON t.name = s.device
GROUP BY 1, 2 HAVING count(*) > 22

-- name: long-daily-sessions
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM narrow
    WHERE signal = 'readings.velocity' AND time >= '{from}' AND time < '{to}'
      AND device IN (SELECT name FROM trucks WHERE fleet = '{fleet}')
    GROUP BY 1, 2 HAVING avg(number) > 1)
SELECT t.name, t.driver, count(*) FROM spans s JOIN trucks t ON t.name = s.device
GROUP BY 1, 2 HAVING count(*) > 60

-- name: avg-vs-projected-fuel-consumption
WITH moving AS (
    SELECT device, max(number) FILTER (signal = 'readings.fuel_consumption') AS fuel
    FROM narrow WHERE signal IN ('readings.velocity', 'readings.fuel_consumption')
    GROUP BY device, time HAVING max(number) FILTER (signal = 'readings.velocity') > 1)
SELECT t.fleet, avg(m.fuel), avg(t.nominal_fuel_consumption)
FROM moving m JOIN trucks t ON t.name = m.device GROUP BY 1

-- name: avg-daily-driving-duration
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM narrow
    WHERE signal = 'readings.velocity' GROUP BY 1, 2 HAVING avg(number) > 1),
days AS (
    SELECT device, time_bucket(INTERVAL 1 DAY, span) AS day, count(*) / 6.0 AS hours
    FROM spans GROUP BY 1, 2)
SELECT t.fleet, t.name, t.driver, avg(d.hours)
FROM days d JOIN trucks t ON t.name = d.device GROUP BY 1, 2, 3

-- name: avg-daily-driving-session
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span, avg(number) > 5 AS driving
    FROM narrow WHERE signal = 'readings.velocity' GROUP BY 1, 2),
marked AS (
    SELECT device, span, driving, lag(driving) OVER (PARTITION BY device ORDER BY span) AS before
    FROM spans),
changes AS (
    SELECT device, driving, span AS start,
           lead(span) OVER (PARTITION BY device ORDER BY span) AS stop
    FROM marked WHERE driving <> before)
SELECT t.name, epoch(time_bucket(INTERVAL 1 DAY, c.start)) AS day, avg(epoch(stop) - epoch(start))
FROM changes c JOIN trucks t ON t.name = c.device
WHERE driving AND stop IS NOT NULL GROUP BY 1, 2

-- name: avg-load
WITH loads AS (
    SELECT device, avg(number) AS load FROM narrow
    WHERE signal = 'diagnostics.current_load' GROUP BY 1)
SELECT t.fleet, t.model, avg(l.load / t.load_capacity)
FROM loads l JOIN trucks t ON t.name = l.device GROUP BY 1, 2

-- name: daily-activity
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span FROM narrow
    WHERE signal = 'diagnostics.status' GROUP BY 1, 2 HAVING avg(number) < 1)
SELECT t.fleet, t.model, epoch(time_bucket(INTERVAL 1 DAY, s.span)) AS day, count(*) / 144.0
FROM spans s JOIN trucks t ON t.name = s.device GROUP BY 1, 2, 3

-- name: breakdown-frequency
WITH spans AS (
    SELECT device, time_bucket(INTERVAL 10 MINUTES, time) AS span,
           avg(CASE WHEN number = 0 THEN 1.0 ELSE 0.0 END) >= 0.5 AS broken
    FROM narrow WHERE signal = 'diagnostics.status' GROUP BY 1, 2),
pairs AS (
    SELECT device, broken, lead(broken) OVER (PARTITION BY device ORDER BY span) AS after
    FROM spans)
SELECT t.model, count(*) FROM pairs p JOIN trucks t ON t.name = p.device
WHERE NOT p.broken AND p.after GROUP BY 1
