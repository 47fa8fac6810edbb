/** What is asked of one name at the same time, and how a deployment ends. */
import { Deployments } from "skep/deployments";
import { WorkerServer } from "skep/worker-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, failure, serve, type Site } from "./started.ts";

let deployments: Deployments;
let site: Site;
beforeAll(async () => {
  deployments = new Deployments({
    environment: "worker-threads",
    prefix: "host",
    restart: { maxPerWorker: 0 },
    host: { tell: () => "x".repeat(1_000) },
    maxDeployments: 6,
  });
  site = await serve(deployments);
});
afterAll(async () => {
  site.server.closeAllConnections();
  site.server.close();
  await deployments.close({ force: true });
});

const answers = (value: unknown): Record<string, string> =>
  bundle("a.mjs", `export const f = () => ${JSON.stringify(value)};`);

describe("one name", () => {
  it("is loaded once after another, and what fails between changes nothing", async () => {
    const all = await Promise.allSettled([
      deployments.deploy({ suffix: "one", files: bundle("a.mjs", "export const f = (") }),
      deployments.deploy({ suffix: "one", files: answers(1) }),
      deployments.deploy({ suffix: "one", files: answers(2), version: "v2" }),
      deployments.deploy({ suffix: "one", files: {} }),
    ]);
    expect(all.map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "rejected",
    ]);
    expect(await deployments.invoke("one", "f")).toBe(2);
    expect(deployments.list().map(({ suffix, version }) => [suffix, version])).toEqual([
      ["one", "v2"],
    ]);
    await deployments.delete("one");
  });

  it("takes what it was given when it was asked, whatever the caller changes then", async () => {
    const files = answers("before");
    const loading = deployments.deploy({ suffix: "copied", files });
    files["a.mjs"] = "export const f = () => 'after';";
    await loading;
    expect(await deployments.invoke("copied", "f")).toBe("before");
    await deployments.delete("copied");
  });

  it("answers 503 while it is loaded for the first time, and says that it is", async () => {
    const loading = deployments.deploy({ suffix: "new", files: answers(1) });
    expect(deployments.inspect("new")).toMatchObject({ status: "create", packages: {} });
    const early = await failure(deployments.invoke("new", "f"));
    expect(early.code).toBe("deployment-not-ready");
    // A request takes its time, in which loading may be done.
    const late = bundle(
      "a.mjs",
      "await new Promise((r) => setTimeout(r, 400)); export const f = () => 1;",
    );
    const slow = deployments.deploy({ suffix: "slow", files: late });
    const answer = await site.call("/host/slow/v1/call/f", []);
    expect([answer.status, answer.body.error.code]).toEqual([503, "deployment-not-ready"]);
    expect(answer.headers.get("retry-after")).toBe("1");
    await Promise.all([loading, slow]);
    expect((await site.call("/host/slow/v1/call/f", [])).status).toBe(200);
    await Promise.all([deployments.delete("new"), deployments.delete("slow")]);
  });

  it("that is deleted while it is loaded is gone, and nothing of it runs on", async () => {
    const loading = failure(deployments.deploy({ suffix: "late", files: answers(1) }));
    expect(await deployments.delete("late")).toBe(true);
    expect((await loading).code).toBe("closed");
    expect(() => deployments.inspect("late")).toThrow("no deployment");
    await deployments.deploy({ suffix: "late", files: answers(2) });
    expect(await deployments.invoke("late", "f")).toBe(2);
    await deployments.delete("late");
  });

  it("has failed when no worker is left, and is well again when it is deployed again", async () => {
    const killer = {
      module: "data:text/javascript,export const die = () => { process.exit(3) }",
      exports: ["die"],
    };
    const files = bundle("a.mjs", "export const die = async () => (await import('killer')).die();");
    await deployments.deploy({ suffix: "dead", files, dependencies: { killer } });
    expect((await failure(deployments.invoke("dead", "die"))).code).toBe("worker-lost");
    await expect.poll(() => deployments.inspect("dead").status).toBe("fail");
    expect((await site.call("/host/dead/v1/call/die", [])).status).toBe(503);
    await deployments.deploy({ suffix: "dead", files: answers("alive") });
    expect(await deployments.invoke("dead", "f")).toBe("alive");
    expect(deployments.inspect("dead").status).toBe("ready");
    await deployments.delete("dead");
  });
});

it("a process that is killed rejects the calls that had begun, and is replaced", async () => {
  const own = new Deployments({ restart: { baseDelayMs: 0, jitterMs: 0 } });
  try {
    const module = "data:text/javascript,export const pid = () => process.pid";
    await own.deploy({
      suffix: "killed",
      files: bundle(
        "a.mjs",
        `export const pid = async () => (await import("self")).pid();
         export const wait = async () => { await new Promise((r) => setTimeout(r, 60_000)); };
         export const spin = () => { for (;;); };`,
      ),
      dependencies: { self: { module, exports: ["pid"] } },
    });
    const pid = (await own.invoke("killed", "pid")) as number;
    expect(pid).not.toBe(process.pid);
    const parked = failure(own.invoke("killed", "wait"));
    const running = failure(own.invoke("killed", "spin"));
    const lost = new Promise((resolve) =>
      own.onEvent(({ type }) => type === "worker-lost" && resolve(type)),
    );
    // By then the first is parked, and the second spins.
    setTimeout(() => process.kill(pid, "SIGKILL"), 150);
    await lost;
    expect((await running).code).toBe("worker-lost");
    expect((await parked).code).toBe("worker-lost");
    const next = await own.invoke("killed", "pid");
    expect(next).toBeTypeOf("number");
    expect(next).not.toBe(pid);
  } finally {
    await own.close({ force: true });
  }
});

it("bounds each deployment for itself, and says so over HTTP", async () => {
  const files = bundle(
    "a.mjs",
    `export const spin = () => { for (;;); };
     export const grow = () => { const all = []; for (;;) all.push(new Uint8Array(2 ** 20)); };
     export const give = () => () => 1;
     export const ask = () => host.tell();
     export const wait = () => new Promise(() => {});
     export { spin as __proto__ };`,
  );
  await deployments.deploy({ suffix: "tight", files, limits: { timeoutMs: 60 } });
  // Of time there is enough: on a busy machine it would be the first to run out.
  await deployments.deploy({ suffix: "small", files, limits: { memoryBytes: 8 * 2 ** 20 } });
  await deployments.deploy({ suffix: "cheap", files, limits: { cpuMs: 30, bytesIn: 500 } });
  const statuses = {
    "tight/v1/call/spin": 408,
    "tight/v1/call/wait": 408,
    "small/v1/call/grow": 500,
    "tight/v1/call/__proto__": 408,
    "cheap/v1/call/spin": 408,
  };
  for (const [path, status] of Object.entries(statuses)) {
    expect([path, (await site.call(`/host/${path}`, [])).status]).toEqual([path, status]);
  }
  const long = await site.call("/host/cheap/v1/call/wait", ["x".repeat(1_000)]);
  expect([long.status, long.body.error.code]).toEqual([413, "input-exceeded"]);
  const deep = await site.call("/host/tight/v1/call/wait", undefined, {
    body: "[".repeat(5_000) + "]".repeat(5_000),
  });
  expect([deep.status, deep.body.error.code]).toEqual([400, "not-marshallable"]);
  // What the function does wrong is no fault of the arguments.
  const given = await site.call("/host/tight/v1/call/give", []);
  expect([given.status, given.body.error.code]).toEqual([500, "not-marshallable"]);
  const asked = await site.call("/host/cheap/v1/call/ask", []);
  expect([asked.status, asked.body.error.code]).toEqual([500, "input-exceeded"]);
  await Promise.all(["tight", "small", "cheap"].map((suffix) => deployments.delete(suffix)));
});

it("takes no more than it may, and none once it is closed", async () => {
  const own = new Deployments({ environment: "worker-threads", maxDeployments: 1 });
  await own.deploy({ suffix: "a", files: answers(1) });
  const error = await failure(own.deploy({ suffix: "b", files: answers(1) }));
  expect(error.message).toContain("There are 1 deployments already");
  // Replacing one takes no more room.
  await own.deploy({ suffix: "a", files: answers(2) });
  const last = own.invoke("a", "f");
  await own.close();
  expect(await last).toBe(2);
  expect((await failure(own.deploy({ suffix: "c", files: answers(1) }))).code).toBe("closed");
  expect((await failure(own.invoke("a", "f"))).code).toBe("unknown-deployment");
});

it("plugs into a worker server, beside other handlers", async () => {
  await deployments.deploy({ suffix: "plugged", files: answers("here") });
  const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
  server.addHttpHandler(deployments.httpHandler({ token: "hush" }));
  server.addHttpHandler((request, response) => {
    if (request.url !== "/health") return false;
    response.end("ok");
    return true;
  });
  await server.start();
  try {
    const url = `http://127.0.0.1:${server.port}`;
    const path = `${url}/host/plugged/v1/call/f`;
    const authorized = { method: "POST", headers: { authorization: "Bearer hush" } };
    expect((await fetch(path, { method: "POST" })).status).toBe(401);
    expect((await fetch(`${url}/host/plugged/v1/inspect`)).status).toBe(401);
    expect(await (await fetch(path, authorized)).json()).toBe("here");
    expect(await (await fetch(`${url}/health`)).text()).toBe("ok");
    expect((await fetch(`${url}/other`)).status).toBe(404);
  } finally {
    await server.stop();
    await deployments.delete("plugged");
  }
});

it("takes options that make sense, and no others", () => {
  expect(() => new Deployments({ prefix: "a/b" })).toThrow("prefix must be");
  expect(() => new Deployments({ maxFiles: 0 })).toThrow("maxFiles must be");
  expect(() => new Deployments({ maxFile: 1 } as never)).toThrow('Did you mean "maxFiles"?');
  expect(() => deployments.httpHandler({ token: "" })).toThrow("token must be");
  expect(() => deployments.httpHandler({ maxBodyBytes: -1 })).toThrow("maxBodyBytes must be");
});
