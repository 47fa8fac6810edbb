import { createPool } from "skep";
import { tortureContract } from "./suite.ts";

const residentBytes = () => process.memoryUsage().rss;
const common = { createPool, environment: "worker-threads", threaded: true, signals: true };
const terrain = { ...common, node: true, recursionIsCaught: true, residentBytes };
tortureContract({ ...terrain, engine: "sync" }, { first: 0, every: 1 });
tortureContract({ ...terrain, engine: "asyncify" }, { first: 0, every: 16 });
