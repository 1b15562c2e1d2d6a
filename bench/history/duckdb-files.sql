-- DuckDB on the files that Althing wrote, as `narrow`.

-- name: one-signal-a-day
SELECT epoch_ms(time), number FROM narrow
WHERE device = '{device}' AND signal = 't' AND time >= '{from}' AND time < '{to}' ORDER BY time

-- name: hourly-means-of-all
SELECT count(*), sum(mean), max(mean) FROM (
    SELECT device, signal, time_bucket(INTERVAL 1 HOUR, time) AS hour, avg(number) AS mean FROM narrow
    WHERE time >= '{from}' AND time < '{to}' GROUP BY 1, 2, 3)

-- name: year-as-chart
SELECT epoch_ms(time_bucket(INTERVAL '{pixel} seconds', time, TIMESTAMP '1970-01-01')), arg_min(number, time),
       min(number), max(number), arg_max(number, time)
FROM narrow WHERE device = '{device}' AND signal = 't' GROUP BY 1
