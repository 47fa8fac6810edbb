/** Calls over HTTP: `POST /{prefix}/{suffix}/{version}/call/{function}`, `GET …/inspect`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { checkKeys, invalid, whole } from "../../pool/option-checks.ts";
import { isToken } from "../worker-server/token.node.ts";
import type { InvokeOptions } from "./deployment.ts";
import { answerError, answerJson, readBody, Refusal } from "./http-answer.node.ts";
import type { DeploymentMetadata } from "./metadata.ts";

/** Answers a request and resolves with true, or leaves it to others and resolves with false. */
export type HttpRequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<boolean>;

export interface HttpHandlerOptions {
  /** The largest body of a call. Default 1 MiB. */
  maxBodyBytes?: number | undefined;
  /** What clients must send as `Authorization: Bearer …`. Without it, everyone may call. */
  token?: string | undefined;
}

/** What is called: the registry of deployments. */
interface Target {
  readonly prefix: string;
  inspect(suffix: string): DeploymentMetadata;
  invoke(
    suffix: string,
    name: string,
    args: readonly unknown[],
    options: InvokeOptions,
  ): Promise<unknown>;
}

interface Route {
  suffix: string;
  version: string;
  /** The function to call; undefined for `inspect`. */
  called: string | undefined;
}

/** A handler for the deployments of a registry. It never rejects. */
export function httpHandler(target: Target, options: HttpHandlerOptions): HttpRequestHandler {
  checkKeys(options, "httpHandler", ["maxBodyBytes", "token"]);
  const maxBodyBytes = whole(options.maxBodyBytes, "maxBodyBytes", 2 ** 20, {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  });
  const { token } = options;
  if (token !== undefined && (typeof token !== "string" || token === "")) {
    throw invalid("token must be a text, and not empty.");
  }

  async function answer(
    parts: readonly string[],
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (token !== undefined && !hasToken(request, token)) {
      throw new Refusal(401, "A token is needed.", { "WWW-Authenticate": "Bearer" });
    }
    const { suffix, version, called } = routeOf(parts);
    checkMethod(request, called === undefined ? "GET" : "POST");
    const metadata = target.inspect(suffix);
    if (metadata.version !== version) {
      throw new Refusal(404, `"${suffix}" is there in version ${metadata.version}.`);
    }
    if (called === undefined) {
      answerJson(response, 200, JSON.stringify(metadata));
      return;
    }
    // Without an answer there is nobody left to run it for.
    const departure = new AbortController();
    response.once("close", () => departure.abort());
    const args = argumentsIn(await readBody(request, maxBodyBytes));
    const result = await target.invoke(suffix, called, args, { signal: departure.signal });
    answerJson(response, 200, textOf(result));
  }

  return async (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const [root, prefix, ...parts] = path.split("/");
    if (root !== "" || prefix !== target.prefix) return false;
    try {
      await answer(parts, request, response);
    } catch (error) {
      answerError(response, error);
    }
    return true;
  };
}

/** `…/{suffix}/{version}/call/{function}`; slashes in the function's name are part of it. */
function routeOf(parts: readonly string[]): Route {
  const [suffix = "", version = "", action, ...rest] = parts.map(decoded);
  const called = rest.join("/");
  if (action === "inspect" && rest.length === 0) return { suffix, version, called: undefined };
  if (action === "call" && called !== "") return { suffix, version, called };
  throw new Refusal(
    404,
    "Use …/{suffix}/{version}/call/{function} or …/{suffix}/{version}/inspect.",
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, "The address is not encoded as addresses are.");
  }
}

function checkMethod({ method }: IncomingMessage, wanted: "GET" | "POST"): void {
  if (method === wanted || (wanted === "GET" && method === "HEAD")) return;
  throw new Refusal(405, `Use ${wanted}.`, { Allow: wanted === "GET" ? "GET, HEAD" : wanted });
}

/** Arguments in their order, or an object whose values they are; without either there are none. */
function argumentsIn(body: string): unknown[] {
  if (body.trim() === "") return [];
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    throw new Refusal(400, "The body is not JSON.");
  }
  return typeof given === "object" && given !== null ? Object.values(given) : [];
}

function textOf(result: unknown): string {
  try {
    // What is not there at all is null in JSON.
    return JSON.stringify(result) ?? "null";
  } catch {
    throw new Refusal(500, "The function returned what cannot be told in JSON.");
  }
}

function hasToken({ headers }: IncomingMessage, token: string): boolean {
  return isToken(/^Bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1], token);
}
