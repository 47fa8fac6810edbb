import type { Receipt } from "./receipt.ts";
import type { SourceLocation } from "./source-location.ts";

/**
 * The stable codes of {@link SkepError}. Code that reacts to failures should switch on these and
 * never on messages.
 */
export type SkepErrorCode =
  | "timeout"
  | "cpu-exceeded"
  | "gas-exceeded"
  | "memory-exceeded"
  | "stack-exceeded"
  | "host-calls-exceeded"
  | "input-exceeded"
  | "output-exceeded"
  | "aborted"
  | "queue-full"
  | "worker-lost"
  | "quarantined"
  | "unknown-function"
  | "missing-dependency"
  | "missing-constant"
  | "install-failed"
  | "not-marshallable"
  | "commit-failed"
  | "unsupported-environment"
  | "session-ended"
  | "image-refused"
  | "unknown-deployment"
  | "deployment-not-ready"
  | "closed"
  | "invalid-argument"
  | "guest-error";

/** Options of {@link SkepError}. */
export interface SkepErrorOptions extends ErrorOptions {
  /** What the run had cost when it failed; present on every error a run settles with. */
  receipt?: Receipt | undefined;
  /** Where in guest source it happened. */
  location?: SourceLocation | undefined;
  /** The lines around that place. */
  frame?: string | undefined;
}

/**
 * Everything skep rejects with. `code` is stable, `message` says what happened, to what, and what
 * to do about it.
 */
export class SkepError extends Error {
  readonly code: SkepErrorCode;
  /** What the run had cost when it failed, where the error belongs to a run. */
  readonly receipt: Receipt | undefined;
  /**
   * Where in guest source it happened: the innermost place in a text this pool was given. Guest
   * code can make errors say what it likes, also about this. Only there when it is known.
   */
  declare readonly location?: SourceLocation;
  /** The lines around `location`, with the place marked, to be shown in a fixed-width font. */
  declare readonly frame?: string;

  constructor(code: SkepErrorCode, message: string, options: SkepErrorOptions = {}) {
    super(message, options);
    // On the prototype chain `name` would be shared by GuestError, whose name is the guest's.
    this.name = "SkepError";
    this.code = code;
    this.receipt = options.receipt;
    if (options.location !== undefined) this.location = options.location;
    if (options.frame !== undefined) this.frame = options.frame;
  }
}

/** Gives an error its receipt where it was made before the run it belongs to. */
export function attachReceipt(error: SkepError, receipt: Receipt): Receipt {
  (error as { receipt: Receipt | undefined }).receipt = receipt;
  return receipt;
}

/** What a guest threw, as data: bounded strings and plain values, nothing callable. */
export interface GuestErrorFields {
  name: string;
  message: string;
  /** The guest's own frames, never the host's. */
  stack: string;
  /** Own enumerable data of the thrown value; for a thrown non-error, the value under `value`. */
  data: Record<string, unknown>;
  /** The thrown error's cause, converted likewise. */
  cause?: unknown;
}

/**
 * An error thrown by guest code. `name`, `message` and `stack` are the guest's, as strings; `code`
 * is always `guest-error`, whatever the guest's object claimed; the thrown value's other own data
 * is under `data` and never spread over the error.
 */
export class GuestError extends SkepError {
  /** Own enumerable data of the thrown value; for a thrown non-error, the value under `value`. */
  readonly data: Record<string, unknown>;

  constructor(
    fields: GuestErrorFields,
    receipt?: Receipt,
    place: Pick<SkepErrorOptions, "location" | "frame"> = {},
  ) {
    super("guest-error", fields.message, {
      receipt,
      ...place,
      ...("cause" in fields ? { cause: fields.cause } : {}),
    });
    this.name = fields.name;
    this.data = fields.data;
    // The host's frames say nothing about guest code and could carry paths of the host.
    Object.defineProperty(this, "stack", {
      value: fields.stack,
      writable: true,
      configurable: true,
    });
  }
}

/** What an error says; or what was thrown, where that is none. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
