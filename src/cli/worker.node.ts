/** `skep worker`: lends this machine's workers to a server, until a signal ends it. */
import { joinServer } from "../facades/remote-worker/index.node.ts";
import type { JoinedServer } from "../facades/remote-worker/join-server.ts";
import { isSet, parse, readToken, textOf } from "./arguments.node.ts";
import { EXIT } from "./exit-codes.ts";
import { parseCount, parseDuration } from "./quantities.ts";
import { withoutControls } from "./terminal.node.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `skep worker lends this machine's workers to a server.

Usage: skep worker --connect <url> [options]

  --connect <url>         the server: ws:// or wss://
  --token-file <file>     what the server asks of workers; or SKEP_TOKEN
  --workers <number>      workers to lend                          (default: cores - 1)
  --name <name>           what the server calls this machine       (default skep)
  --environment <name>    worker-threads or child-process          (default worker-threads)
  --allow-fetch           guests may make requests from here, where their pool says so
  --allow-host-modules    servers may load modules here, with this process's rights
  --drain <duration>      time that work has to finish at the end  (default 30s)
  --json                  prints lines of JSON
  --help

It comes back by itself when the connection is lost. SIGTERM and SIGINT end it: what it lends
is given back first. A second signal ends it at once.
`;

export async function worker(args: readonly string[]): Promise<number> {
  const parsed = parse("worker", args, {
    connect: { type: "string" },
    "token-file": { type: "string" },
    workers: { type: "string" },
    name: { type: "string" },
    environment: { type: "string" },
    "allow-fetch": { type: "boolean" },
    "allow-host-modules": { type: "boolean" },
    drain: { type: "string" },
    json: { type: "boolean" },
  });
  if (isSet(parsed, "help")) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const [stray] = parsed.positionals;
  if (stray !== undefined) throw new UsageError(`skep worker takes no "${stray}".`);
  const url = serverUrl(textOf(parsed, "connect"));
  const workers = textOf(parsed, "workers");
  const name = textOf(parsed, "name") ?? "skep";
  const joined = joinServer({
    url,
    token: readToken(parsed),
    name,
    workers: workers === undefined ? undefined : parseCount("--workers", workers, 1, 1_024),
    environment: textOf(parsed, "environment"),
    allowFetch: isSet(parsed, "allow-fetch"),
    allowHostModules: isSet(parsed, "allow-host-modules"),
    drainTimeoutMs: parseDuration("--drain", textOf(parsed, "drain") ?? "30s"),
  });
  report(joined, { server: `${url.protocol}//${url.host}`, name, isJson: isSet(parsed, "json") });
  let signals = 0;
  const end = (): void => void (++signals === 1 ? joined.drain() : joined.close());
  process.on("SIGINT", end).on("SIGTERM", end);
  try {
    const error = await joined.closed;
    if (error !== undefined) throw error;
    return EXIT.ok;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

/** Without what an address may carry besides: secrets are for files. */
function serverUrl(text: string | undefined): URL {
  if (text === undefined) throw new UsageError("skep worker needs --connect <url>.");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^wss?:$/.test(url.protocol)) {
    throw new UsageError(`--connect must be a URL with ws:// or wss://, not "${text}".`);
  }
  return url;
}

function report(
  joined: JoinedServer,
  { server, name, isJson }: { server: string; name: string; isJson: boolean },
): void {
  function say(stream: NodeJS.WritableStream, data: object, text: string): void {
    stream.write(`${isJson ? JSON.stringify(data) : withoutControls(text)}\n`);
  }
  joined.on((event) => {
    if (event.type === "state" && event.state === "ready") {
      const { workers } = joined.status();
      const count = workers === 1 ? "1 worker" : `${workers} workers`;
      const text = `Joined ${server} as "${name}", lending ${count}.`;
      say(process.stdout, { joined: server, id: joined.id, name, workers }, text);
    } else if (event.type === "disconnected" && event.retryInMs !== undefined) {
      const { code, reason, retryInMs } = event;
      const text = `disconnected (${code} ${reason}); trying again in ${Math.ceil(retryInMs / 1_000)} s`;
      say(process.stderr, { disconnected: { code, reason, retryInMs } }, text);
    }
  });
}
