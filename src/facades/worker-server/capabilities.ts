/** What a worker says it can do, and how much of that text is believed. */

/** A model that a worker can run. */
export interface ModelInfo {
  modelId: string;
  displayName: string;
  maxContextTokens: number;
  maxOutputTokens: number;
  supportsStreaming: boolean;
  supportsVision?: boolean;
  supportsTools?: boolean;
}

/** What a worker can do, as it said when it registered. */
export interface WorkerCapabilities {
  models: ModelInfo[];
  /** Requests it takes at the same time. */
  maxConcurrentRequests: number;
  /** Whatever else its owner wants to know of it. */
  metadata?: Record<string, unknown>;
  /** Requests it takes at the same time by category. A category without a limit has none. */
  concurrencyLimits?: Record<string, number>;
}

/** What a peer sent is not what the protocol asks for. The message is for that peer. */
export class InvalidMessage extends Error {}

const MAXIMUM_TEXT = 256;
const MAXIMUM_MODELS = 1_000;
const MAXIMUM_CONCURRENT_REQUESTS = 1_000_000;
const MAXIMUM_CATEGORIES = 1_000;
/** Deeper metadata would be more than a recursion over it can take. */
const MAXIMUM_DEPTH = 32;

/** Reads capabilities that were parsed from JSON. Throws an {@link InvalidMessage}. */
export function readCapabilities(value: unknown): WorkerCapabilities {
  const { models, maxConcurrentRequests, metadata, concurrencyLimits } = readObject(
    value,
    "capabilities",
  );
  if (!Array.isArray(models) || models.length > MAXIMUM_MODELS) {
    throw new InvalidMessage(`capabilities.models must be a list of at most ${MAXIMUM_MODELS}`);
  }
  const capabilities: WorkerCapabilities = {
    models: models.map((model, index) => readModel(model, `capabilities.models[${index}]`)),
    maxConcurrentRequests: readCount(
      maxConcurrentRequests,
      "capabilities.maxConcurrentRequests",
      1,
    ),
  };
  if (metadata !== undefined) {
    capabilities.metadata = readObject(metadata, "capabilities.metadata");
  }
  if (concurrencyLimits !== undefined)
    capabilities.concurrencyLimits = readLimits(concurrencyLimits);
  return freezeDeeply(capabilities, 0);
}

/** Text that names something: in logs, in events, as a key. Throws an {@link InvalidMessage}. */
export function readName(value: unknown, label: string): string {
  const isName =
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= MAXIMUM_TEXT &&
    // oxlint-disable-next-line no-control-regex -- what a terminal would obey is no name
    !/[\u0000-\u001f\u007f-\u009f]/.test(value);
  if (isName) return value;
  throw new InvalidMessage(
    `${label} must be text of 1 to ${MAXIMUM_TEXT} characters without control characters`,
  );
}

function readModel(value: unknown, label: string): ModelInfo {
  const read = readObject(value, label);
  const model: ModelInfo = {
    modelId: readName(read["modelId"], `${label}.modelId`),
    displayName: readName(read["displayName"], `${label}.displayName`),
    maxContextTokens: readAmount(read["maxContextTokens"], `${label}.maxContextTokens`),
    maxOutputTokens: readAmount(read["maxOutputTokens"], `${label}.maxOutputTokens`),
    supportsStreaming: readBoolean(read["supportsStreaming"], `${label}.supportsStreaming`),
  };
  for (const key of ["supportsVision", "supportsTools"] as const) {
    if (read[key] !== undefined) model[key] = readBoolean(read[key], `${label}.${key}`);
  }
  return model;
}

function readLimits(value: unknown): Record<string, number> {
  const label = "capabilities.concurrencyLimits";
  const limits = readObject(value, label);
  const entries = Object.entries(limits);
  if (entries.length > MAXIMUM_CATEGORIES) {
    throw new InvalidMessage(`${label} must have at most ${MAXIMUM_CATEGORIES} categories`);
  }
  for (const [category, limit] of entries) {
    readCount(limit, `${label}[${JSON.stringify(category.slice(0, MAXIMUM_TEXT))}]`, 0);
  }
  return limits as Record<string, number>;
}

/** An object of JSON. Throws an {@link InvalidMessage}. */
export function readObject(value: unknown, label: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new InvalidMessage(`${label} must be an object`);
}

function readCount(value: unknown, label: string, minimum: 0 | 1): number {
  const isCount =
    typeof value === "number" &&
    Number.isInteger(value) &&
    value >= minimum &&
    value <= MAXIMUM_CONCURRENT_REQUESTS;
  if (isCount) return value;
  const range = `from ${minimum} to ${MAXIMUM_CONCURRENT_REQUESTS}`;
  throw new InvalidMessage(`${label} must be a whole number ${range}`);
}

function readAmount(value: unknown, label: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidMessage(`${label} must be a number of at least 0`);
}

function readBoolean(value: unknown, label: string): boolean {
  if (typeof value === "boolean") return value;
  throw new InvalidMessage(`${label} must be true or false`);
}

/** Handlers share what a worker said, so none of them may change it. */
function freezeDeeply<Value>(value: Value, depth: number): Value {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAXIMUM_DEPTH) {
    throw new InvalidMessage(`capabilities must not be nested deeper than ${MAXIMUM_DEPTH}`);
  }
  for (const part of Object.values(value)) freezeDeeply(part, depth + 1);
  return Object.freeze(value);
}
