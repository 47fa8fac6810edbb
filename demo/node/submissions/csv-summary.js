// Mean radius by kind of planet, as a Map: whatever structured clone knows, crosses the wall.
const [header, ...rows] = constants.planets
  .trim()
  .split("\n")
  .map((line) => line.split(","));
const kind = header.indexOf("kind");
const radius = header.indexOf("radius_km");
const byKind = Map.groupBy(rows, (row) => row[kind]);
const mean = (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);

export default new Map(
  [...byKind].map(([name, group]) => [name, mean(group.map((row) => Number(row[radius])))]),
);
