/** The arguments of a host call: read from bytes, and checked by the function's own validator. */
import type { Payload } from "../protocol/payload.ts";
import { decodeValue } from "../protocol/values/outbound.ts";
import type { PreparedHost, StandardIssue } from "../registry/host-functions.ts";
import { named } from "./host-answers.ts";

/** Issues that an error names; a validator may find one for every element of a large array. */
const MAXIMUM_ISSUES = 10;

export function decodeArguments({ bytes, buffers }: Payload): unknown[] {
  const args = decodeValue(bytes, buffers);
  if (!Array.isArray(args)) throw new TypeError("Arguments must be an array.");
  return args as unknown[];
}

/** What a validator said, as arguments for the function. Throws when they are wrong, or it is. */
export function acceptedArguments(host: PreparedHost, verdict: unknown): unknown[] {
  if (typeof verdict !== "object" || verdict === null) throw brokenValidator(host, verdict);
  const { issues, value } = verdict as { issues?: unknown; value?: unknown };
  if (Array.isArray(issues)) throw wrongArguments(host, issues as StandardIssue[]);
  if (issues !== undefined && issues !== null) throw brokenValidator(host, verdict);
  if (!Array.isArray(value)) throw brokenValidator(host, value);
  return value as unknown[];
}

/** Whether awaiting it means waiting. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}

function brokenValidator(host: PreparedHost, returned: unknown): Error {
  const kind = typeof returned === "object" ? "something else" : typeof returned;
  return named(
    "TypeError",
    `The validator of host.${host.name} must return the array of arguments or a list of issues, and returned ${kind}.`,
  );
}

function wrongArguments(host: PreparedHost, issues: readonly StandardIssue[]): Error {
  const reasons = issues.slice(0, MAXIMUM_ISSUES).map(({ message, path }) => {
    const steps = path ?? [];
    return steps.length === 0 ? message : `args${steps.map(stepText).join("")}: ${message}`;
  });
  const more = issues.length - reasons.length;
  if (more > 0) reasons.push(`and ${more} more`);
  const text = reasons.length === 0 ? "its validator does not say why" : reasons.join("; ");
  return named("TypeError", `host.${host.name} was called with the wrong arguments: ${text}`);
}

function stepText(step: unknown): string {
  const key = typeof step === "object" && step !== null ? (step as { key?: unknown }).key : step;
  const text = String(key);
  if (/^\d+$/.test(text)) return `[${text}]`;
  return /^[\w$]+$/.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
}
