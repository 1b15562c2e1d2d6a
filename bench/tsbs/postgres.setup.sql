CREATE TABLE trucks (name TEXT PRIMARY KEY, fleet TEXT, driver TEXT, model TEXT, device_version TEXT,
    load_capacity FLOAT8, fuel_capacity FLOAT8, nominal_fuel_consumption FLOAT8);
CREATE TABLE readings (time TIMESTAMPTZ NOT NULL, name TEXT, latitude FLOAT8, longitude FLOAT8, elevation FLOAT8,
    velocity FLOAT8, heading FLOAT8, grade FLOAT8, fuel_consumption FLOAT8) PARTITION BY RANGE (time);
CREATE TABLE diagnostics (time TIMESTAMPTZ NOT NULL, name TEXT, fuel_state FLOAT8, current_load FLOAT8,
    status FLOAT8) PARTITION BY RANGE (time);
DO $$
DECLARE day TIMESTAMPTZ; suffix TEXT; parent TEXT;
BEGIN
    FOR day IN SELECT generate_series('{begin}'::TIMESTAMPTZ, '{last}'::TIMESTAMPTZ, '1 day') LOOP
        suffix := to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD');
        FOREACH parent IN ARRAY ARRAY['readings', 'diagnostics'] LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                           parent || '_' || suffix, parent, day, day + INTERVAL '1 day');
        END LOOP;
    END LOOP;
END $$;
CREATE INDEX ON readings USING BRIN (time);
CREATE INDEX ON diagnostics USING BRIN (time);
CREATE INDEX ON readings (name, time DESC);
CREATE INDEX ON diagnostics (name, time DESC);
