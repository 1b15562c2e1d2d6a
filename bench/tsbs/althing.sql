-- Althing. A device is a truck, its tags are labels; rows that lost their name are of other devices.

-- name: last-loc
SELECT fleet.device AS name, driver.value AS driver,
       max(latest.number) FILTER (WHERE latest.signal = 'readings.latitude') AS latitude,
       max(latest.number) FILTER (WHERE latest.signal = 'readings.longitude') AS longitude
FROM labels AS fleet
JOIN labels AS driver ON driver.device = fleet.device AND driver.label = 'driver'
JOIN latest ON latest.device = fleet.device
WHERE fleet.label = 'fleet' AND fleet.value = '{fleet}' AND fleet.device LIKE 'truck%'
  AND latest.signal IN ('readings.latitude', 'readings.longitude')
GROUP BY 1, 2

-- name: single-last-loc
SELECT latest.device AS name, driver.value AS driver,
       max(latest.number) FILTER (WHERE latest.signal = 'readings.latitude') AS latitude,
       max(latest.number) FILTER (WHERE latest.signal = 'readings.longitude') AS longitude
FROM latest
JOIN labels AS driver ON driver.device = latest.device AND driver.label = 'driver'
WHERE latest.device = '{truck}'
  AND latest.signal IN ('readings.latitude', 'readings.longitude')
GROUP BY 1, 2

-- name: low-fuel
SELECT fleet.device AS name, driver.value AS driver, latest.number AS fuel_state
FROM labels AS fleet
JOIN labels AS driver ON driver.device = fleet.device AND driver.label = 'driver'
JOIN latest ON latest.device = fleet.device
WHERE fleet.label = 'fleet' AND fleet.value = '{fleet}' AND fleet.device LIKE 'truck%'
  AND latest.signal = 'diagnostics.fuel_state' AND latest.number < 0.1

-- name: high-load
SELECT fleet.device AS name, driver.value AS driver, latest.number AS current_load
FROM labels AS fleet
JOIN labels AS driver ON driver.device = fleet.device AND driver.label = 'driver'
JOIN labels AS capacity ON capacity.device = fleet.device AND capacity.label = 'load_capacity'
JOIN latest ON latest.device = fleet.device
WHERE fleet.label = 'fleet' AND fleet.value = '{fleet}' AND fleet.device LIKE 'truck%'
  AND latest.signal = 'diagnostics.current_load'
  AND latest.number / CAST(capacity.value AS DOUBLE) > 0.9

-- name: stationary-trucks
SELECT readings.device AS name, driver.value AS driver, avg(readings.number) AS velocity
FROM readings
JOIN labels AS fleet ON fleet.device = readings.device AND fleet.label = 'fleet'
JOIN labels AS driver ON driver.device = readings.device AND driver.label = 'driver'
WHERE readings.signal = 'readings.velocity' AND readings.device LIKE 'truck%'
  AND readings.time >= '{from}' AND readings.time < '{to}' AND fleet.value = '{fleet}'
GROUP BY 1, 2 HAVING avg(readings.number) < 1

-- name: long-driving-sessions
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span FROM readings
    WHERE signal = 'readings.velocity' AND device LIKE 'truck%'
      AND time >= '{from}' AND time < '{to}'
      AND device IN (SELECT device FROM labels WHERE label = 'fleet' AND value = '{fleet}')
    GROUP BY 1, 2 HAVING avg(number) > 1)
SELECT spans.device AS name, driver.value AS driver, count(*) AS spans
FROM spans JOIN labels AS driver ON driver.device = spans.device AND driver.label = 'driver'
GROUP BY 1, 2 HAVING count(*) > 22

-- name: long-daily-sessions
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span FROM readings
    WHERE signal = 'readings.velocity' AND device LIKE 'truck%'
      AND time >= '{from}' AND time < '{to}'
      AND device IN (SELECT device FROM labels WHERE label = 'fleet' AND value = '{fleet}')
    GROUP BY 1, 2 HAVING avg(number) > 1)
SELECT spans.device AS name, driver.value AS driver, count(*) AS spans
FROM spans JOIN labels AS driver ON driver.device = spans.device AND driver.label = 'driver'
GROUP BY 1, 2 HAVING count(*) > 60

-- name: avg-vs-projected-fuel-consumption
SELECT fleet.value AS fleet, avg(truck."readings.fuel_consumption") AS fuel_consumption,
       avg(CAST(nominal.value AS DOUBLE)) AS nominal
FROM truck
JOIN labels AS fleet ON fleet.device = truck.device AND fleet.label = 'fleet'
JOIN labels AS nominal
  ON nominal.device = truck.device AND nominal.label = 'nominal_fuel_consumption'
WHERE truck."readings.velocity" > 1
GROUP BY 1

-- name: avg-daily-driving-duration
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span FROM readings
    WHERE signal = 'readings.velocity' AND device LIKE 'truck%'
    GROUP BY 1, 2 HAVING avg(number) > 1),
days AS (
    SELECT device, time_bucket('1 day', span) AS day, count(*) / 6.0 AS hours
    FROM spans GROUP BY 1, 2)
SELECT fleet.value AS fleet, days.device AS name, driver.value AS driver, avg(days.hours) AS hours
FROM days
JOIN labels AS fleet ON fleet.device = days.device AND fleet.label = 'fleet'
JOIN labels AS driver ON driver.device = days.device AND driver.label = 'driver'
GROUP BY 1, 2, 3

-- name: avg-daily-driving-session
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span, avg(number) > 5 AS driving
    FROM readings WHERE signal = 'readings.velocity' AND device LIKE 'truck%' GROUP BY 1, 2),
marked AS (
    SELECT device, span, driving, lag(driving) OVER (PARTITION BY device ORDER BY span) AS before
    FROM spans),
changes AS (
    SELECT device, driving, span AS start,
           lead(span) OVER (PARTITION BY device ORDER BY span) AS stop
    FROM marked WHERE driving <> before)
SELECT device AS name, CAST(date_part('epoch', time_bucket('1 day', start)) AS BIGINT) AS day,
       avg(date_part('epoch', stop) - date_part('epoch', start)) AS seconds
FROM changes WHERE driving AND stop IS NOT NULL GROUP BY 1, 2

-- name: avg-load
WITH loads AS (
    SELECT device, avg(number) AS load FROM readings
    WHERE signal = 'diagnostics.current_load' AND device LIKE 'truck%' GROUP BY 1)
SELECT fleet.value AS fleet, model.value AS model,
       avg(loads.load / CAST(capacity.value AS DOUBLE)) AS load
FROM loads
JOIN labels AS fleet ON fleet.device = loads.device AND fleet.label = 'fleet'
JOIN labels AS model ON model.device = loads.device AND model.label = 'model'
JOIN labels AS capacity ON capacity.device = loads.device AND capacity.label = 'load_capacity'
GROUP BY 1, 2

-- name: daily-activity
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span FROM readings
    WHERE signal = 'diagnostics.status' AND device LIKE 'truck%'
    GROUP BY 1, 2 HAVING avg(number) < 1)
SELECT fleet.value AS fleet, model.value AS model,
       CAST(date_part('epoch', time_bucket('1 day', spans.span)) AS BIGINT) AS day,
       count(*) / 144.0 AS activity
FROM spans
JOIN labels AS fleet ON fleet.device = spans.device AND fleet.label = 'fleet'
JOIN labels AS model ON model.device = spans.device AND model.label = 'model'
GROUP BY 1, 2, 3

-- name: breakdown-frequency
WITH spans AS (
    SELECT device, time_bucket('10 minutes', time) AS span,
           avg(CASE WHEN number = 0 THEN 1.0 ELSE 0.0 END) >= 0.5 AS broken
    FROM readings WHERE signal = 'diagnostics.status' AND device LIKE 'truck%' GROUP BY 1, 2),
pairs AS (
    SELECT device, broken, lead(broken) OVER (PARTITION BY device ORDER BY span) AS after
    FROM spans)
SELECT model.value AS model, count(*) AS breakdowns
FROM pairs JOIN labels AS model ON model.device = pairs.device AND model.label = 'model'
WHERE NOT pairs.broken AND pairs.after
GROUP BY 1
