CREATE TABLE trucks AS FROM read_csv('{folder}/trucks.csv', header = true);
CREATE TABLE readings AS FROM read_csv('{folder}/readings.csv', header = false, columns = {
    'time': 'TIMESTAMP', 'name': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE', 'elevation': 'DOUBLE',
    'velocity': 'DOUBLE', 'heading': 'DOUBLE', 'grade': 'DOUBLE', 'fuel_consumption': 'DOUBLE'})
ORDER BY name, time;
CREATE TABLE diagnostics AS FROM read_csv('{folder}/diagnostics.csv', header = false, columns = {
    'time': 'TIMESTAMP', 'name': 'VARCHAR', 'fuel_state': 'DOUBLE', 'current_load': 'DOUBLE', 'status': 'DOUBLE'})
ORDER BY name, time;
CHECKPOINT;
