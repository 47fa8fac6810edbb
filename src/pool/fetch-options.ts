/** The pool's `fetch` option: where guests may go, and how much they may bring back. */
import type { FetchPolicy } from "../protocol/fetch-policy.ts";
import { display, group, invalid, milliseconds, whole } from "./option-checks.ts";

/** What guests may fetch. */
export interface FetchOptions {
  /**
   * The origins that may be asked: scheme, host and, where it is not the scheme's own, port, as in
   * `https://api.example.com` or `http://localhost:8080`. Neither paths nor wildcards.
   */
  allow: readonly string[];
  /** Bytes that each body may have: a request's, and a response's once decoded. Default 10 MiB. */
  maxBytes?: number | undefined;
  /**
   * Milliseconds that a request may take, from the call to the last byte of the body, redirects
   * included. Default 10,000.
   */
  timeoutMs?: number | undefined;
  /** Calls of `fetch` that one run may make. Default 100. */
  maxRequestsPerRun?: number | undefined;
  /** Requests that one run may have open at once, their bodies included. Default 16. */
  maxConcurrentPerRun?: number | undefined;
  /**
   * Whether allowed origins may be at addresses that are not the public internet's (loopback,
   * private, link-local and their like). Default false: Node refuses them after the host's name was
   * resolved; browsers, which resolve names themselves, only where the URL says so.
   */
  privateNetwork?: boolean | undefined;
}

const FETCH_KEYS =
  "allow maxBytes timeoutMs maxRequestsPerRun maxConcurrentPerRun privateNetwork".split(" ");
/** A body crosses the wall in one piece at most. */
const MAXIMUM_BODY_BYTES = 2 ** 26;

/** Checks the policy and fills in defaults. Throws `invalid-argument`. */
export function resolveFetch(value: unknown): FetchPolicy | undefined {
  if (value === undefined) return undefined;
  const options = group(value, "fetch", FETCH_KEYS);
  const privateNetwork = options["privateNetwork"] ?? false;
  if (typeof privateNetwork !== "boolean") {
    throw invalid("fetch.privateNetwork must be true or false.");
  }
  const many = { min: 1, max: 1_000_000 };
  return {
    allow: resolveAllow(options["allow"]),
    maxBytes: whole(options["maxBytes"], "fetch.maxBytes", 10 * 2 ** 20, {
      min: 0,
      max: MAXIMUM_BODY_BYTES,
    }),
    timeoutMs: milliseconds(options["timeoutMs"], "fetch.timeoutMs", 10_000),
    maxRequestsPerRun: whole(options["maxRequestsPerRun"], "fetch.maxRequestsPerRun", 100, many),
    maxConcurrentPerRun: whole(
      options["maxConcurrentPerRun"],
      "fetch.maxConcurrentPerRun",
      16,
      many,
    ),
    privateNetwork,
  };
}

function resolveAllow(allow: unknown): string[] {
  if (!Array.isArray(allow) || allow.length === 0) {
    throw invalid(
      'fetch.allow must be a list of at least one origin, e.g. ["https://api.example.com"]. ' +
        "Leave the option fetch out to give guests none.",
    );
  }
  return [...new Set((allow as unknown[]).map((entry) => originOf(entry)))];
}

function originOf(entry: unknown): string {
  const what = `fetch.allow: ${typeof entry === "string" ? JSON.stringify(entry) : display(entry)}`;
  if (typeof entry !== "string") throw invalid(`${what} must be the text of an origin.`);
  if (entry.includes("*")) {
    throw invalid(`${what} has a wildcard. Name each origin, e.g. "https://api.example.com".`);
  }
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  if (url === undefined || !/^[a-z][a-z0-9+.-]*:\/\//i.test(entry)) {
    const guess = `https://${entry}`;
    const suggestion = URL.canParse(guess) ? ` Did you mean ${JSON.stringify(guess)}?` : "";
    throw invalid(`${what} is not an origin, which begins with https:// or http://.${suggestion}`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw invalid(`${what} is not of http or https.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(`${what} has a user name or password; guests' requests carry none.`);
  }
  if (url.href !== `${url.origin}/`) {
    throw invalid(
      `${what} has more than an origin: paths, queries and fragments cannot be allowed apart. ` +
        `Use ${JSON.stringify(url.origin)}.`,
    );
  }
  return url.origin;
}
