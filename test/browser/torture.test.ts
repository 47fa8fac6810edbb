import { createPool } from "skep";
import { tortureContract } from "../torture/suite.ts";

const signals = typeof SharedArrayBuffer !== "undefined";
const common = { createPool, signals, node: false, recursionIsCaught: true };
const webWorker = { ...common, environment: "web-worker", threaded: true };
const inThread = { ...common, environment: "in-thread", threaded: false };
tortureContract({ ...webWorker, engine: "sync" }, { first: 0, every: 10 });
tortureContract({ ...webWorker, engine: "asyncify" }, { first: 1, every: 48 });
tortureContract({ ...inThread, engine: "sync" }, { first: 2, every: 24 });
tortureContract({ ...inThread, engine: "asyncify" }, { first: 3, every: 48 });
