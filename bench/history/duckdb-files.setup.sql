SET parquet_metadata_cache = true;
CREATE VIEW narrow AS SELECT device, signal, time::TIMESTAMP AS time, number
FROM read_parquet([{files}], hive_partitioning = false);
