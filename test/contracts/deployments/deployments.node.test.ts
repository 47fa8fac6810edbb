/** Deployments in workers that are threads and in workers that are processes. */
import { once } from "node:events";
import { connect } from "node:net";
import { SkepError } from "skep";
import { Deployments } from "skep/deployments";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundle, CALCULATOR, failure, serve, type Site } from "./started.ts";

describe.each(["worker-threads", "child-process"])("deployments in %s", (environment) => {
  let deployments: Deployments;
  let site: Site;
  const events: string[] = [];

  beforeAll(async () => {
    deployments = new Deployments({
      environment,
      prefix: "host",
      limits: { timeoutMs: 10_000, graceMs: 100 },
      restart: { baseDelayMs: 0, jitterMs: 0 },
    });
    deployments.onEvent(({ type, suffix }) => events.push(`${suffix} ${type}`));
    site = await serve(deployments, { maxBodyBytes: 1_000 });
  });

  afterAll(async () => {
    site.server.closeAllConnections();
    site.server.close();
    await deployments.close({ force: true });
  });

  describe("one with functions", () => {
    beforeAll(async () => {
      await deployments.deploy({ suffix: "calc", files: CALCULATOR });
    });

    it("tells what it has", () => {
      const type = { name: "", id: -1 };
      const metadata = deployments.inspect("calc");
      expect(metadata).toMatchObject({
        status: "ready",
        prefix: "host",
        suffix: "calc",
        version: "v1",
        ports: [],
      });
      const [script] = metadata.packages["node"]!;
      expect(script).toMatchObject({
        name: "calc.js",
        scope: { name: "global_namespace", classes: [{ name: "Machine" }], objects: [] },
      });
      const { funcs } = script!.scope;
      expect(funcs.find(({ name }) => name === "sum")).toEqual({
        name: "sum",
        signature: {
          ret: { type },
          args: [
            { name: "a", type },
            { name: "b", type },
          ],
        },
        async: false,
      });
      expect(funcs.find(({ name }) => name === "later")).toMatchObject({ async: true });
      expect(funcs.find(({ name }) => name === "bound")!.signature.args).toHaveLength(1);
      expect(funcs.map(({ name }) => name)).not.toContain("limit");
      // What is handed out is a copy.
      metadata.packages = {};
      expect(deployments.inspect("calc").packages).not.toEqual({});
    });

    it("calls, also with fewer arguments, and keeps nothing between calls", async () => {
      expect(await deployments.invoke("calc", "sum", [1, 2])).toBe(3);
      expect(await deployments.invoke("calc", "sum", [1])).toBe(6);
      expect(await deployments.invoke("calc", "calc.js:bound", [4])).toBe(8);
      expect(await deployments.invoke("calc", "later", [1, { a: 1 }])).toEqual({ a: 1 });
      expect(await deployments.invoke("calc", "count")).toBe(1);
      expect(await deployments.invoke("calc", "count")).toBe(1);
    });

    it("rejects with the function's own error", async () => {
      const error = await failure(deployments.invoke("calc", "fail"));
      expect([error.name, error.message, error.code]).toEqual([
        "TypeError",
        "not today",
        "guest-error",
      ]);
      expect(error.stack).toContain("./calc.js:8");
    });

    it.each(["toString", "constructor", "__proto__", "hasOwnProperty", "limit", "Machine", ""])(
      "has no function %j",
      async (name) => {
        const error = await failure(deployments.invoke("calc", name));
        expect(error).toBeInstanceOf(SkepError);
        expect(error.code).toBe("unknown-function");
        const answer = await site.call(`/host/calc/v1/call/${name}`, []);
        expect(answer.status).toBe(404);
      },
    );

    it("ends what runs too long, and others do not notice", async () => {
      const hung = failure(deployments.invoke("calc", "forever", [], { timeoutMs: 30 }));
      expect(await deployments.invoke("calc", "sum", [2, 2])).toBe(4);
      expect((await hung).code).toBe("timeout");
    });

    it("answers over HTTP, with arguments as a list or by name", async () => {
      expect(await site.call("/host/calc/v1/call/sum", [1, 2])).toMatchObject({
        status: 200,
        body: 3,
      });
      expect((await site.call("/host/calc/v1/call/sum", { a: 3, b: 4 })).body).toBe(7);
      expect((await site.call("/host/calc/v1/call/calc.js:sum?x=1", [1])).body).toBe(6);
      expect((await site.call("/host/calc/v1/call/count")).body).toBe(1);
      // Neither a list nor an object: no arguments.
      expect((await site.call("/host/calc/v1/call/nothing", 5)).body).toBeNull();
      const headers = (await site.call("/host/calc/v1/call/sum", [1])).headers;
      expect(headers.get("content-type")).toBe("application/json");
    });

    it("tells over HTTP what it has", async () => {
      const answer = await site.call("/host/calc/v1/inspect", undefined, { method: "GET" });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(deployments.inspect("calc"));
    });

    it("says over HTTP what is wrong, without stacks or anything of the host", async () => {
      const failed = await site.call("/host/calc/v1/call/fail", []);
      expect(failed).toMatchObject({
        status: 500,
        body: { error: { name: "TypeError", message: "not today", code: "guest-error" } },
      });
      expect(Object.keys(failed.body.error as object)).toEqual(["name", "message", "code"]);
      const statuses = {
        "/host/calc/v1/call/absent": 404,
        "/host/absent/v1/call/sum": 404,
        "/host/calc/v2/call/sum": 404,
        "/host/calc/v1/run/sum": 404,
        "/host/calc/v1/call/": 404,
        "/host/calc": 404,
        "/host/calc/v1/call/%E0%A4%A": 400,
        "/host/calc/v1/call/big": 500,
        "/elsewhere/calc/v1/call/sum": 418,
      };
      for (const [path, status] of Object.entries(statuses)) {
        expect([path, (await site.call(path, [])).status]).toEqual([path, status]);
      }
      const broken = await site.call("/host/calc/v1/call/sum", undefined, { body: "[1," });
      expect([broken.status, broken.body.error.message]).toEqual([400, "The body is not JSON."]);
      const notText = { body: new Uint8Array([0xff, 0xfe]) };
      expect((await site.call("/host/calc/v1/call/sum", undefined, notText)).status).toBe(400);
      const got = await site.call("/host/calc/v1/call/sum", undefined, { method: "GET" });
      expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
      expect((await site.call("/host/calc/v1/inspect", [])).status).toBe(405);
      expect((await site.call("/host/calc/v1/call/sum", ["x".repeat(1_000)])).status).toBe(413);
      const chunked = {
        body: new Blob(["x".repeat(2_000)]).stream(),
        duplex: "half",
      } as RequestInit;
      expect((await site.call("/host/calc/v1/call/sum", undefined, chunked)).status).toBe(413);
    });

    it("ends a call whose client has gone", async () => {
      const real = vi.spyOn(deployments, "invoke");
      // Resolves when the call is there, with how it will end.
      const begun = new Promise<{ end: Promise<SkepError> }>((resolve) => {
        real.mockImplementationOnce(async (...call) => {
          real.mockRestore();
          const result = deployments.invoke(...call);
          resolve({ end: failure(result) });
          return result;
        });
      });
      const { port } = new URL(site.url);
      const client = connect(Number(port), "127.0.0.1");
      await once(client, "connect");
      client.write(
        "POST /host/calc/v1/call/forever HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
      );
      const { end } = await begun;
      client.destroy();
      expect((await end).code).toBe("aborted");
      expect(await deployments.invoke("calc", "sum", [2, 2])).toBe(4);
    });
  });

  it("replaces one without dropping a call", async () => {
    const version = (n: number) => ({
      suffix: "live",
      files: bundle(
        "a.mjs",
        `export const which = async () => { await new Promise((r) => setTimeout(r, 20)); return ${n}; };`,
      ),
    });
    await deployments.deploy(version(1));
    const results: unknown[] = [];
    const ending = new AbortController();
    const caller = (async () => {
      while (!ending.signal.aborted) results.push(...(await Promise.all([call(), call()])));
    })();
    function call(): Promise<unknown> {
      return deployments.invoke("live", "which");
    }
    await deployments.deploy({ ...version(2), version: "v2" });
    expect(await call()).toBe(2);
    ending.abort();
    await caller;
    expect(new Set(results)).toEqual(new Set([1, 2]));
    expect(deployments.inspect("live").version).toBe("v2");
  });

  it("keeps what was there when its replacement cannot be loaded, and says why", async () => {
    await deployments.deploy({ suffix: "kept", files: bundle("a.js", "exports.f = () => 1") });
    const broken = bundle("a.js", "exports.f = () => 1; throw new Error('at load')");
    const error = await failure(deployments.deploy({ suffix: "kept", files: broken }));
    expect(error.code).toBe("install-failed");
    expect(error.message).toContain("at load");
    expect(await deployments.invoke("kept", "f")).toBe(1);
  });

  it("rejects the call that crashed its worker, and restarts", async () => {
    await deployments.deploy({
      suffix: "crash",
      files: bundle(
        "a.js",
        "exports.sum = (a, b) => a + b; exports.die = async () => { const { die } = await import('killer'); await die(); }",
      ),
      dependencies: {
        killer: {
          module: "data:text/javascript,export const die = () => { process.exit(3) }",
          exports: ["die"],
        },
      },
    });
    const crashed = site.call("/host/crash/v1/call/die", []);
    const lost = await failure(deployments.invoke("crash", "die"));
    expect(lost.code).toBe("worker-lost");
    const { status, body, headers } = await crashed;
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(body).toEqual({
      error: {
        name: "SkepError",
        message: "The worker that ran the call was lost.",
        code: "worker-lost",
      },
    });
    expect(await deployments.invoke("crash", "sum", [1, 2])).toBe(3);
    expect(deployments.inspect("crash").status).toBe("ready");
    expect(events).toContain("crash worker-lost");
    expect(events).toContain("crash worker-restarted");
  });

  it("refuses more than fits, with 429", async () => {
    await deployments.deploy({
      suffix: "full",
      files: bundle("a.js", "exports.wait = () => new Promise((r) => setTimeout(r, 200))"),
      queue: { max: 1 },
      maxInFlightPerWorker: 1,
      maxParkedPerWorker: 0,
    });
    const calls = [1, 2, 3, 4].map(() => site.call("/host/full/v1/call/wait", []));
    const statuses = (await Promise.all(calls))
      .map(({ status }) => status)
      .sort((left, right) => left - right);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses[0]).toBe(200);
  });

  it("is gone once it is deleted", async () => {
    await deployments.deploy({
      suffix: "gone",
      files: bundle("a.js", "exports.f = () => new Promise((r) => setTimeout(r, 50, 'done'))"),
    });
    const last = deployments.invoke("gone", "f");
    const deleted = deployments.delete("gone");
    expect((await failure(deployments.invoke("gone", "f"))).code).toBe("unknown-deployment");
    expect(await last).toBe("done");
    expect(await deleted).toBe(true);
    expect(await deployments.delete("gone")).toBe(false);
    expect(deployments.list().map(({ suffix }) => suffix)).not.toContain("gone");
  });
});
