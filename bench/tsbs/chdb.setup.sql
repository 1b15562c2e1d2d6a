CREATE TABLE trucks (name String, fleet String, driver String, model String, device_version String,
    load_capacity Float64, fuel_capacity Float64, nominal_fuel_consumption Float64)
ENGINE = MergeTree ORDER BY name;
INSERT INTO trucks SELECT * FROM file('{folder}/trucks.csv', 'CSVWithNames');
CREATE TABLE readings (time DateTime('UTC'), name LowCardinality(String), latitude Nullable(Float64),
    longitude Nullable(Float64), elevation Nullable(Float64), velocity Nullable(Float64), heading Nullable(Float64),
    grade Nullable(Float64), fuel_consumption Nullable(Float64)) ENGINE = MergeTree ORDER BY (name, time);
INSERT INTO readings SELECT * FROM file('{folder}/readings.csv', 'CSV', 'time DateTime(\'UTC\'), name String,
    latitude Nullable(Float64), longitude Nullable(Float64), elevation Nullable(Float64), velocity Nullable(Float64),
    heading Nullable(Float64), grade Nullable(Float64), fuel_consumption Nullable(Float64)')
SETTINGS date_time_input_format = 'best_effort';
CREATE TABLE diagnostics (time DateTime('UTC'), name LowCardinality(String), fuel_state Nullable(Float64),
    current_load Nullable(Float64), status Nullable(Float64)) ENGINE = MergeTree ORDER BY (name, time);
INSERT INTO diagnostics SELECT * FROM file('{folder}/diagnostics.csv', 'CSV', 'time DateTime(\'UTC\'), name String,
    fuel_state Nullable(Float64), current_load Nullable(Float64), status Nullable(Float64)')
SETTINGS date_time_input_format = 'best_effort';
OPTIMIZE TABLE readings FINAL;
OPTIMIZE TABLE diagnostics FINAL;
