SET parquet_metadata_cache = true;
CREATE TABLE trucks AS FROM read_csv('{folder}/trucks.csv', header = true);
CREATE VIEW narrow AS SELECT device, signal, time::TIMESTAMP AS time, number
FROM read_parquet([{files}], hive_partitioning = false);
