CREATE VIEW narrow AS SELECT device, signal, time, number FROM file('{table}/{{files}}', 'Parquet',
    'device LowCardinality(String), signal LowCardinality(String), time DateTime64(3, \'UTC\'), number Nullable(Float64)');
