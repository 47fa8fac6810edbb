import { createPool } from "skep";
import { tortureContract } from "./suite.ts";

const residentBytes = () => process.memoryUsage().rss;
const common = { createPool, environment: "in-thread", threaded: false, signals: true };
const terrain = { ...common, node: true, residentBytes };
tortureContract({ ...terrain, engine: "sync", recursionIsCaught: true }, { first: 1, every: 8 });
// See docs/internals.md for what asyncify does to recursion on Node 20's main thread.
tortureContract(
  { ...terrain, engine: "asyncify", recursionIsCaught: false },
  { first: 2, every: 24 },
);
