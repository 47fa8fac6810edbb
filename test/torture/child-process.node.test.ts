import { createPool } from "skep";
import { tortureContract } from "./suite.ts";

// What the host's process holds: that of the guests is not its own.
const residentBytes = () => process.memoryUsage().rss;
const common = { createPool, environment: "child-process", threaded: true, signals: true };
const terrain = { ...common, node: true, recursionIsCaught: true, residentBytes };
// Few of them in `npm test`: what is tried happens in a thread as in worker-threads, and every pool
// here is a process to start.
tortureContract({ ...terrain, engine: "sync" }, { first: 0, every: 12 });
tortureContract({ ...terrain, engine: "asyncify" }, { first: 3, every: 120 });
