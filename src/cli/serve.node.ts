/** `skep serve`: deployments over HTTP, and a place where workers meet, until a signal ends it. */
import { basename, resolve } from "node:path";
import { Deployments } from "../facades/deployments/index.node.ts";
import { remote, WorkerServer } from "../facades/worker-server/index.node.ts";
import type { DeploymentMetadata } from "../facades/deployments/metadata.ts";
import {
  isSet,
  parse,
  POOL_FLAGS,
  POOL_HELP,
  poolOptions,
  readToken,
  textOf,
  textsOf,
} from "./arguments.node.ts";
import { EXIT } from "./exit-codes.ts";
import { parseCount, parseDuration } from "./quantities.ts";
import { describeError, hasColours, showProgress, withoutControls } from "./terminal.node.ts";
import { UsageError } from "./usage-error.ts";

const HELP = `skep serve loads deployments and serves their functions over HTTP.

Usage: skep serve [--deploy <folder>]... [options]

  POST /{prefix}/{suffix}/{version}/call/{function}     arguments as JSON, result as JSON
  GET  /{prefix}/{suffix}/{version}/inspect             what can be called

It is a worker server, too: remote workers register over WebSocket at the same port.

  --deploy <folder>       a folder with a metacall.json, named as the folder is, or
                          <name>=<folder>; may be repeated
  --port <number>         0 is a free one                          (default 0)
  --host <address>        other than of this machine: needs a token (default 127.0.0.1)
  --token-file <file>     what clients and workers must present; or SKEP_TOKEN
  --prefix <name>         the first part of addresses              (default: the host's name)
  --drain <duration>      time that calls have to finish at the end (default 5s)
${POOL_HELP}
                          or remote: of workers that have joined   (default child-process)
  --workers <number>      of each deployment                       (default 1)
  --json                  prints lines of JSON
  --help

SIGTERM and SIGINT end it: calls in flight finish first. A second signal ends it at once.
`;

/** How long a deployment waits for machines that can run it when it is loaded. */
const JOIN_TIMEOUT_MS = 5_000;
/** Later it waits for good, and loses them as often as they go. */
const FOREVER = { machineTimeoutMs: 0 };
const PATIENT = { maxPerWorker: 1_000_000, maxDelayMs: 2_000 };
const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

export async function serve(args: readonly string[]): Promise<number> {
  const parsed = parse("serve", args, {
    ...POOL_FLAGS,
    deploy: { type: "string", multiple: true },
    port: { type: "string" },
    host: { type: "string" },
    "token-file": { type: "string" },
    prefix: { type: "string" },
    drain: { type: "string" },
    json: { type: "boolean" },
  });
  if (isSet(parsed, "help")) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const [stray] = parsed.positionals;
  if (stray !== undefined) {
    throw new UsageError(`skep serve takes no "${stray}". Did you mean --deploy ${stray}?`);
  }
  const host = textOf(parsed, "host") ?? "127.0.0.1";
  const token = readToken(parsed);
  if (token === undefined && !LOOPBACK.includes(host)) {
    throw new UsageError(`--host ${host} is open to others: give a --token-file.`);
  }
  const port = parseCount("--port", textOf(parsed, "port") ?? "0", 0, 65_535);
  const drainTimeoutMs = parseDuration("--drain", textOf(parsed, "drain") ?? "5s");
  const prefix = textOf(parsed, "prefix");
  const folders = textsOf(parsed, "deploy").map(namedFolder);
  const names = folders.map(({ suffix }) => suffix);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Two deployments are called "${twice}". Use --deploy <name>=<folder>.`);
  }

  const { environment, ...pool } = poolOptions(parsed);
  const server = new WorkerServer({ port, host, authToken: token, drainTimeoutMs });
  const isRemote = environment === "remote";
  const where = isRemote
    ? { environment: remote(server, FOREVER), startTimeoutMs: JOIN_TIMEOUT_MS, restart: PATIENT }
    : { ...(environment !== undefined && { environment }) };
  const deployments = new Deployments({
    ...pool,
    ...where,
    ...(prefix !== undefined && { prefix }),
    drainTimeoutMs,
  });
  server.addHttpHandler(deployments.httpHandler({ token }));
  deployments.onEvent(({ type, suffix, reason }) => {
    if (type !== "worker-restarted") warn(`${suffix}: ${type}: ${reason ?? ""}`);
  });
  const isJson = isSet(parsed, "json");

  async function listen(): Promise<void> {
    await server.start();
    const url = urlOf(host, server.port);
    say(isJson, { listening: url }, `Listening on ${url}`);
  }
  async function start(): Promise<void> {
    if (isRemote) {
      const joined = new Promise<void>((resolve) => server.onWorkerConnected(() => resolve()));
      await listen();
      const stopProgress = showProgress(process.stderr, "skep: waiting for a worker");
      await Promise.race([joined, ended]);
      stopProgress();
      if (isEnding) return;
    }
    const loaded: DeploymentMetadata[] = [];
    for (const folder of folders) {
      const metadata = await load(deployments, folder);
      if (isRemote) announce(isJson, urlOf(host, server.port), metadata);
      else loaded.push(metadata);
    }
    if (isRemote || isEnding) return;
    await listen();
    for (const metadata of loaded) announce(isJson, urlOf(host, server.port), metadata);
  }

  // From now on a signal must find someone, also while bundles are loaded.
  let isEnding = false;
  const ended = untilSignal(() => process.exit(EXIT.other)).then(() => {
    isEnding = true;
  });
  const started = start();
  // A reason that comes after the signal is nobody's any more.
  started.catch(() => {});
  try {
    await Promise.race([started, ended]);
    await ended;
    return EXIT.ok;
  } finally {
    // What runs on machines that have joined must end before they are let go.
    if (isRemote) await deployments.close();
    await server.stop();
    await deployments.close();
  }
}

async function load(
  deployments: Deployments,
  folder: { suffix: string; path: string },
): Promise<DeploymentMetadata> {
  const stopProgress = showProgress(process.stderr, `skep: loading ${folder.suffix}`);
  try {
    return await deployments.deploy(folder);
  } finally {
    stopProgress();
  }
}

function announce(isJson: boolean, url: string, metadata: DeploymentMetadata): void {
  const { prefix, suffix, version, packages } = metadata;
  const address = `${url}/${prefix}/${suffix}/${version}`;
  const functions = Object.values(packages).flatMap((scripts) =>
    scripts.flatMap(({ scope }) => scope.funcs.map(({ name }) => name)),
  );
  say(isJson, { deployed: { address, functions } }, `  ${address}/call/  ${functions.join(", ")}`);
}

function say(isJson: boolean, data: object, text: string): void {
  process.stdout.write(`${isJson ? JSON.stringify(data) : withoutControls(text)}\n`);
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Resolves at the first signal; the second calls `impatient`. */
function untilSignal(impatient: () => void): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      if (++count > 1) impatient();
      resolve();
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  });
}

function namedFolder(text: string): { suffix: string; path: string } {
  const [, name, folder] = /^([\w.-]+)=(.+)$/.exec(text) ?? [];
  const path = resolve(folder ?? text);
  return { suffix: name ?? basename(path), path };
}

function warn(text: string): void {
  process.stderr.write(`${describeError(new UsageError(text), hasColours(process.stderr))}\n`);
}
