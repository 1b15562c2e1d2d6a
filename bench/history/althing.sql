-- Althing.

-- name: one-signal-a-day
SELECT CAST(time AS BIGINT) AS ms, number FROM readings
WHERE device = '{device}' AND signal = 't' AND time >= '{from}' AND time < '{to}' ORDER BY time

-- name: hourly-means-of-all
SELECT count(*) AS means, sum(mean) AS total, max(mean) AS highest FROM (
    SELECT device, signal, time_bucket('1 hour', time) AS hour, avg(number) AS mean FROM readings
    WHERE time >= '{from}' AND time < '{to}' GROUP BY 1, 2, 3)

-- name: year-as-chart
SELECT CAST(date_part('epoch', time_bucket('{pixel} seconds', time)) AS BIGINT) * 1000 AS ms, first(number, time) AS first,
       min(number) AS low, max(number) AS high, last(number, time) AS last
FROM readings WHERE device = '{device}' AND signal = 't' GROUP BY 1
