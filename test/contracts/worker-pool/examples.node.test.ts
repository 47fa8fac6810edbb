import { workerPoolExamples } from "./examples.ts";

workerPoolExamples({ sharesMemory: true });
