/** The form: what pool to have, and what a run may cost. */
import { byId } from "./dom.ts";
import type { PoolChoice } from "./pool-host.ts";
import { readStored, store } from "./stored.ts";

const workers = byId("workers", HTMLInputElement);
const environment = byId("environment", HTMLSelectElement);
const engine = byId("engine", HTMLSelectElement);
const isolation = byId("isolation", HTMLSelectElement);
const timeout = byId("timeout", HTMLInputElement);
const memory = byId("memory", HTMLInputElement);
const filesBackend = byId("files-backend", HTMLSelectElement);
const calls = byId("count", HTMLInputElement);

const FILES_KEY = "skep-files";
const MAXIMUM_DEFAULT_WORKERS = 4;

/** Calls back when a choice needs another pool; limits go with each run. */
export function setUpSettings(onChange: () => void): void {
  const cores = navigator.hardwareConcurrency || 4;
  workers.value = String(Math.min(MAXIMUM_DEFAULT_WORKERS, Math.max(2, cores - 1)));
  if (readStored(FILES_KEY) === "opfs") filesBackend.value = "opfs";
  // Where files are kept is remembered, or they would seem to be gone after a reload.
  filesBackend.addEventListener("change", () => store(FILES_KEY, filesBackend.value));
  for (const field of [workers, environment, engine, isolation, filesBackend]) {
    field.addEventListener("change", onChange);
  }
  // What is shown is what the next run gets, not only once it has begun.
  for (const field of [timeout, memory, calls]) {
    field.addEventListener("change", () => void within(field));
  }
}

export function poolChoice(): PoolChoice {
  return {
    workers: within(workers),
    environment: environment.value,
    engine: engine.value as PoolChoice["engine"],
    isolation: isolation.value as PoolChoice["isolation"],
    files: { mount: "/data", backend: filesBackend.value === "opfs" ? "opfs" : "memory" },
  };
}

export function runLimits(): { timeoutMs: number; memoryBytes: number } {
  return { timeoutMs: within(timeout), memoryBytes: within(memory) * 2 ** 20 };
}

export function callCount(): number {
  return within(calls);
}

export function useEnvironment(name: string): void {
  environment.value = name;
  environment.dispatchEvent(new Event("change"));
}

/** The field's number, brought into its range, which the field then shows. */
function within(field: HTMLInputElement): number {
  const { min, max, defaultValue } = field;
  const asked = Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : Number(defaultValue);
  const value = Math.round(Math.min(Number(max), Math.max(Number(min), asked)));
  if (field.value !== String(value)) field.value = String(value);
  return value;
}
