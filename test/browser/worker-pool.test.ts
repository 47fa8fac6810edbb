import { workerPoolExamples } from "../contracts/worker-pool/examples.ts";
import { workerPoolPromises } from "../contracts/worker-pool/promises.ts";

const sharesMemory = globalThis.crossOriginIsolated;
workerPoolExamples({ sharesMemory });
workerPoolPromises();
