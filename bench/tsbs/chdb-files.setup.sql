CREATE TABLE trucks (name String, fleet String, driver String, model String, device_version String,
    load_capacity Float64, fuel_capacity Float64, nominal_fuel_consumption Float64) ENGINE = Memory;
INSERT INTO trucks SELECT * FROM file('{folder}/trucks.csv', 'CSVWithNames');
CREATE VIEW narrow AS SELECT device, signal, time, number FROM file('{table}/{{files}}', 'Parquet',
    'device LowCardinality(String), signal LowCardinality(String), time DateTime64(3, \'UTC\'), number Nullable(Float64)');
