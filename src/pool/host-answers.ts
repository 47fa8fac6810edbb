/** What a guest is told: the result of a host function, or what became of the call instead. */
import type { HostAnswer } from "../environments/contract.ts";
import { SkepError } from "../errors.ts";
import { NO_BUFFERS, type Payload } from "../protocol/payload.ts";
import { encodeAnswer, encodeArray } from "../protocol/values/inbound.ts";
import type { PreparedHost } from "../registry/host-functions.ts";
import type { Run } from "./run.ts";

/** The result of a call, with large buffers `beside` the bytes or in them. */
export function success(host: PreparedHost, value: unknown, beside: boolean, run: Run): HostAnswer {
  const root = `the result of host.${host.name}`;
  try {
    // [kind, value]: kind 0 is a value, see `guest/boot/host.ts`.
    const payload = encodeAnswer([0, value], root, { beside, maximumBytes: room(run) });
    return { succeeded: true, payload };
  } catch (error) {
    if (error instanceof SkepError && error.code === "input-exceeded") return tooLarge();
    const reason = described(error).message;
    const isOurs = error instanceof SkepError;
    const message = isOurs ? reason.replace("[1]", "") : `${root} cannot be read: ${reason}`;
    return failure(named("TypeError", message), run);
  }
}

/** What a host function threw, as the guest gets it: never itself, never its stack. */
export function failure(thrown: unknown, run: Run): HostAnswer {
  const { name, message, code, data } = described(thrown);
  const maximumBytes = room(run);
  for (const given of [data, crossing(data, maximumBytes), {}]) {
    try {
      const parts = [name, message, code, given];
      const payload = encodeAnswer(parts, "error", { beside: false, maximumBytes });
      return { succeeded: false, payload };
    } catch {
      // Some of the data cannot cross, or all of it is too large: the rest can.
    }
  }
  return tooLarge();
}

/** What a run is told that is ended for what it would be given. */
export function tooLarge(): HostAnswer {
  const parts = ["RangeError", "The answer of the host is too large.", undefined, {}];
  const payload: Payload = { bytes: encodeArray(parts, "error"), buffers: NO_BUFFERS };
  return { succeeded: false, payload, isTooLarge: true };
}

/** An error of the pool's own that a guest gets. */
export function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

interface Described {
  name: string;
  message: string;
  code: string | number | undefined;
  data: Record<string, unknown>;
}

/** Anything can be thrown, also what throws when it is looked at. */
function described(thrown: unknown): Described {
  const isObject = (typeof thrown === "object" && thrown !== null) || typeof thrown === "function";
  if (!isObject) return { name: "Error", message: String(thrown), code: undefined, data: {} };
  const name = read(thrown, "name");
  const message = read(thrown, "message");
  const code = read(thrown, "code");
  // A function's name and text are its own, not an error's.
  const kind = typeof thrown === "function" ? "a function" : "an object without a message";
  return {
    name: typeof name === "string" && typeof message === "string" ? name : "Error",
    message: typeof message === "string" ? message : `The host threw ${kind}.`,
    code: typeof code === "string" || typeof code === "number" ? code : undefined,
    data: typeof thrown === "function" ? {} : ownData(thrown),
  };
}

function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

const ERROR_FIELDS: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "code"]);

function ownData(thrown: object): Record<string, unknown> {
  let keys: string[] = [];
  try {
    keys = Object.keys(thrown);
  } catch {
    // A proxy that will not tell.
  }
  const entries = keys
    .filter((key) => !ERROR_FIELDS.has(key))
    .map((key) => [key, read(thrown, key)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** The part of the data that can cross. */
function crossing(data: Record<string, unknown>, maximumBytes: number): Record<string, unknown> {
  const entries = Object.entries(data).filter(([, value]) => {
    try {
      encodeAnswer([value], "error", { beside: false, maximumBytes });
      return true;
    } catch {
      return false;
    }
  });
  return Object.fromEntries(entries);
}

/** Bytes that an answer may take at most. */
function room(run: Run): number {
  const { bytesIn } = run.limits;
  return bytesIn === 0 ? Number.POSITIVE_INFINITY : bytesIn;
}
