/** How deployments end while something is still in them, and listeners that fail. */
import { type DeploymentMessage, Deployments } from "skep/deployments";
import { expect, it } from "vitest";
import { bundle, failure } from "./started.ts";

const files = bundle(
  "a.mjs",
  `export const wait = () => new Promise(() => setTimeout(() => {}, 60_000));
   export const answer = (value) => value;`,
);

function started(): Deployments {
  return new Deployments({ environment: "worker-threads", limits: { timeoutMs: 60_000 } });
}

/** What is forced does not take the half minute that calls have otherwise. */
const soon = { timeout: 15_000 };

it("by force also where an older version still has calls", soon, async () => {
  const own = started();
  await own.deploy({ suffix: "a", files });
  const waiting = failure(own.invoke("a", "wait"));
  await own.deploy({ suffix: "a", files, version: "v2" });
  expect(await own.invoke("a", "answer", [2])).toBe(2);

  expect(await own.delete("a", { force: true })).toBe(true);
  expect((await waiting).code).toBe("closed");
  await own.close();
});

it("by force after all, when they were to end by themselves", soon, async () => {
  const own = started();
  await own.deploy({ suffix: "deleted", files });
  await own.deploy({ suffix: "closed", files });
  const deleted = failure(own.invoke("deleted", "wait"));
  const closed = failure(own.invoke("closed", "wait"));
  const deletion = own.delete("deleted");
  const closing = own.close();
  await own.close({ force: true });
  expect([(await deleted).code, (await closed).code]).toEqual(["closed", "closed"]);
  expect(await deletion).toBe(true);
  await closing;
});

it("once what was being loaded has ended too, however often they are closed", async () => {
  const own = started();
  const order: string[] = [];
  const loading = failure(own.deploy({ suffix: "late", files })).then(() => order.push("load"));
  void own.close();
  await own.close();
  // In a task of its own: which of two that are done is told of first says nothing.
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(["load"]);
  await loading;
});

it("refuses names that are none", async () => {
  const own = started();
  await own.deploy({ suffix: "a", files });
  const nothing = undefined as unknown as string;
  for (const call of [own.invoke("a", nothing), own.invoke(nothing, "f"), own.delete(nothing)]) {
    expect(await failure(call)).toMatchObject({ code: "invalid-argument" });
  }
  expect(() => own.inspect(5 as unknown as string)).toThrow("suffix must be a text, not 5.");
  expect(() => own.onEvent(5 as never)).toThrow("A listener must be a function, not 5.");
  expect(() => own.channel().onMessage(5 as never)).toThrow("A listener must be a function");
  await own.close();
});

it("listeners that throw cost no other its events, and are told of", async () => {
  const own = started();
  const events: string[] = [];
  own.onEvent(() => {
    throw new Error("not me");
  });
  own.onEvent(({ type, suffix, reason }) => events.push(`${type} ${suffix}: ${reason}`));
  const channel = own.channel();
  const heard: string[] = [];
  channel.onMessage(() => {
    throw new RangeError("nor me");
  });
  const loaded = new Promise<void>((resolve) => {
    channel.onMessage(({ type }: DeploymentMessage) => {
      heard.push(type);
      if (type === "MetaData") resolve();
    });
  });
  channel.send({ type: "nonsense" });
  channel.send({ type: "Load", data: { id: "a", files } });
  await loaded;
  expect(heard).toEqual(["ProtocolError", "MetaData"]);
  const told = "A listener of messages threw RangeError: nor me";
  expect(events).toEqual([`listener-failed : ${told}`, `listener-failed a: ${told}`]);
  await own.close();
});

it("a process that is killed costs no call that only waited in it", async () => {
  let begin: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const own = new Deployments({
    restart: { baseDelayMs: 0, jitterMs: 0 },
    host: { begin: () => begin() },
  });
  const module = "data:text/javascript,export const pid = () => process.pid";
  await own.deploy({
    suffix: "killed",
    files: bundle(
      "a.mjs",
      `export const pid = async () => (await import("self")).pid();
       export const nap = () => new Promise((resolve) => setTimeout(() => resolve("rested"), 20));
       export const compute = (ms) => { for (const end = Date.now() + ms; Date.now() < end;); };
       export const spin = () => { hostSync.begin(); for (;;); };
       export const answer = (value) => value;`,
    ),
    dependencies: { self: { module, exports: ["pid"] } },
  });
  const pid = (await own.invoke("killed", "pid")) as number;
  // Over when the next has computed, and told of although another computes by then.
  const napping = own.invoke("killed", "nap");
  void own.invoke("killed", "compute", [100]);
  const running = failure(own.invoke("killed", "spin"));
  const waiting = Array.from({ length: 40 }, (_, n) => own.invoke("killed", "answer", [n]));
  await begun;
  // Several times as long as it takes until it is seen what computes.
  setTimeout(() => process.kill(pid, "SIGKILL"), 300);
  expect(await Promise.all(waiting)).toEqual(waiting.map((_, n) => n));
  expect((await running).code).toBe("worker-lost");
  expect(await napping).toBe("rested");
  await own.close();
});
