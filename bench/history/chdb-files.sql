-- ClickHouse on the files that Althing wrote, as `narrow`.

-- name: one-signal-a-day
SELECT toUnixTimestamp64Milli(time), number FROM narrow
WHERE device = '{device}' AND signal = 't' AND time >= toDateTime64('{from_s}', 3, 'UTC')
  AND time < toDateTime64('{to_s}', 3, 'UTC') ORDER BY time

-- name: hourly-means-of-all
SELECT count(), sum(mean), max(mean) FROM (
    SELECT device, signal, toStartOfHour(time) AS hour, avg(number) AS mean FROM narrow
    WHERE time >= toDateTime64('{from_s}', 3, 'UTC') AND time < toDateTime64('{to_s}', 3, 'UTC') GROUP BY 1, 2, 3)

-- name: year-as-chart
SELECT intDiv(toUnixTimestamp64Milli(time), {pixel} * 1000) * {pixel} * 1000 AS ms, argMin(number, time),
       min(number), max(number), argMax(number, time)
FROM narrow WHERE device = '{device}' AND signal = 't' GROUP BY ms
