/** Answers over HTTP: status codes, and what strangers may know of an error. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { SkepError, type SkepErrorCode } from "../../errors.ts";

/** What a caller is told: a name and a message, never a stack, nothing of the host. */
export interface PublicError {
  name: string;
  message: string;
  code?: string | undefined;
}

/** An answer that is no result. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const MAXIMUM_TEXT = 8_192;

/** What the caller did is 4xx, what the function did 500, what passes by itself 429 and 503. */
const STATUS: Readonly<Partial<Record<SkepErrorCode, number>>> = {
  "invalid-argument": 400,
  "unknown-function": 404,
  "unknown-deployment": 404,
  timeout: 408,
  "cpu-exceeded": 408,
  "gas-exceeded": 408,
  "queue-full": 429,
  "worker-lost": 503,
  quarantined: 503,
  closed: 503,
  "deployment-not-ready": 503,
};

/** What arguments are refused with before anything runs; later it is the function's doing. */
const STATUS_OF_ARGUMENTS: typeof STATUS = { "not-marshallable": 400, "input-exceeded": 413 };

/** Codes whose messages may say what ended a process, and what it printed. */
const UNTOLD: Readonly<Partial<Record<SkepErrorCode, string>>> = {
  "worker-lost": "The worker that ran the call was lost.",
  quarantined: "The function is refused for a while, for it cost several workers.",
  closed: "The deployment is being closed.",
};

const RETRY_LATER = { "Retry-After": "1" };

export function answerJson(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.end(text);
}

export function answerError(response: ServerResponse, error: unknown): void {
  const { status, headers, told } = describe(error);
  answerJson(response, status, JSON.stringify({ error: told }), headers);
}

function describe(error: unknown): {
  status: number;
  headers?: Record<string, string>;
  told: PublicError;
} {
  if (error instanceof Refusal) {
    const { status, headers, message } = error;
    return { status, headers, told: { name: "Error", message } };
  }
  if (!(error instanceof SkepError)) {
    return { status: 500, told: { name: "Error", message: "Internal server error" } };
  }
  const { name, code } = error;
  const message = (UNTOLD[code] ?? error.message).slice(0, MAXIMUM_TEXT);
  const hasRun = (error.receipt?.attempts ?? 0) > 0;
  const status = (hasRun ? STATUS[code] : (STATUS_OF_ARGUMENTS[code] ?? STATUS[code])) ?? 500;
  const told = { name: name.slice(0, MAXIMUM_TEXT), message, code };
  return status === 429 || status === 503
    ? { status, headers: RETRY_LATER, told }
    : { status, told };
}

/** The body as text. Rejects with a {@link Refusal} when it is too long, or not there. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const tooLarge = new Refusal(413, `The body may take ${maxBytes} bytes.`, {
    // What is still on its way is not going to be read.
    Connection: "close",
  });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal(400, "The body is not UTF-8.");
  }
}
