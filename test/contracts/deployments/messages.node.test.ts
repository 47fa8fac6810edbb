/** The messages of the reference, in its words and in those of the wire. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DeploymentChannel,
  type DeploymentMessage,
  Deployments,
  MESSAGE_TYPES,
} from "skep/deployments";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALCULATOR } from "./started.ts";

let deployments: Deployments;
let folder: string;
beforeAll(async () => {
  deployments = new Deployments({ environment: "worker-threads", prefix: "host" });
  folder = await mkdtemp(join(tmpdir(), "skep-bundle-"));
  await writeFile(join(folder, "calc.js"), CALCULATOR["calc.js"]!);
});
afterAll(async () => {
  await deployments.close({ force: true });
  await rm(folder, { recursive: true });
});

/** A channel whose answers are waited for one by one. */
function opened(): {
  channel: DeploymentChannel;
  ask: (message: unknown) => Promise<DeploymentMessage>;
} {
  const channel = deployments.channel();
  return {
    channel,
    ask: (message) =>
      new Promise((resolve) => {
        const off = channel.onMessage((answer) => {
          off();
          resolve(answer);
        });
        channel.send(message as DeploymentMessage);
      }),
  };
}

const id = "0123456789abcdef0123456789abcdef";

it("has the strings of the wire for the documented names", () => {
  expect(MESSAGE_TYPES).toMatchObject({
    Install: "InstallDependencies",
    Load: "LoadFunctions",
    MetaData: "GetApplicationMetadata",
    Invoke: "CallFunction",
    InvokeResult: "FunctionInvokeResult",
  });
});

describe.each([
  ["documented", (name: keyof typeof MESSAGE_TYPES) => name as string],
  ["wire", (name: keyof typeof MESSAGE_TYPES) => MESSAGE_TYPES[name] as string],
])("in the %s words", (words, type) => {
  const suffix = `calc-${words}`;

  it("Load leads to MetaData, Invoke to InvokeResult or InvokeError", async () => {
    const { channel, ask } = opened();
    const jsons = [{ language_id: "node", path: ".", scripts: ["calc.js"] }];
    const resource = { id: suffix, path: folder, jsons, runners: ["nodejs"] };
    expect(await ask({ type: type("Load"), data: resource })).toEqual({
      type: type("MetaData"),
      data: deployments.inspect(suffix),
    });
    expect(deployments.inspect(suffix)).toMatchObject({
      status: "ready",
      prefix: "host",
      version: "v1",
    });
    const result = await ask({ type: type("Invoke"), data: { id, name: "sum", args: [1, 2] } });
    expect(result).toEqual({ type: type("InvokeResult"), data: { id, result: 3 } });
    expect(await ask({ type: type("Invoke"), data: { id, name: "fail", args: [] } })).toEqual({
      type: type("InvokeError"),
      data: { id, error: { name: "TypeError", message: "not today", code: "guest-error" } },
    });
    const unknown = await ask({ type: type("Invoke"), data: { id, name: "toString", args: [] } });
    expect(unknown).toMatchObject({
      type: type("InvokeError"),
      data: { id, error: { code: "unknown-function" } },
    });
    await channel.close();
    expect(() => deployments.inspect(suffix)).toThrow("no deployment");
    expect(channel.send({ type: type("Invoke"), data: { id } })).toBe(false);
  });

  it("a load that fails says why, and the channel goes on", async () => {
    const { ask } = opened();
    const answer = await ask({ type: type("Load"), data: { id: suffix, path: folder } });
    expect(answer).toMatchObject({
      type: type("LoadError"),
      data: { id: suffix, error: { message: expect.stringContaining("Add a metacall.json") } },
    });
    const early = await ask({ type: type("Invoke"), data: { id, name: "sum", args: [] } });
    expect(early).toMatchObject({
      type: type("InvokeError"),
      data: { error: { code: "deployment-not-ready" } },
    });
  });

  it("what is nonsense is answered, and throws nothing", async () => {
    const { ask } = opened();
    for (const message of [
      { type: type("Install"), data: {} },
      { type: type("InvokeResult"), data: { id: "nobody asked", result: 1 } },
      { type: "constructor" },
      { type: type("Invoke") },
      { type: type("Invoke"), data: { id: 5 } },
      { type: 7 },
      {},
      null,
      "Load",
    ]) {
      expect(await ask(message)).toMatchObject({ data: { error: { name: "ProtocolError" } } });
    }
    for (const data of [{ id }, { id, name: "sum" }, { id, name: "sum", args: 5 }]) {
      expect((await ask({ type: type("Invoke"), data })).type).toBe(type("InvokeError"));
    }
    for (const data of [null, {}, { id: "../x", path: "." }, { id: "x", path: 5 }]) {
      expect((await ask({ type: type("Load"), data })).type).toBe(type("LoadError"));
    }
  });
});

it("a channel is that of one deployment, and ends it also while it is loaded", async () => {
  const channel = deployments.channel();
  const answers: DeploymentMessage[] = [];
  channel.onMessage((answer) => answers.push(answer));
  channel.send({ type: "Load", data: { id: "first", files: CALCULATOR } });
  channel.send({ type: "Load", data: { id: "second", files: CALCULATOR } });
  await channel.close();
  await expect.poll(() => answers.length).toBe(2);
  expect(answers).toMatchObject([
    { type: "LoadError", data: { id: "second", error: { code: "invalid-argument" } } },
    { type: "LoadError", data: { id: "first", error: { code: "closed" } } },
  ]);
  expect(deployments.list()).toEqual([]);
});

it("a call's id in use is not settled by another; ending the channel settles what is left", async () => {
  const channel = deployments.channel();
  const answers: DeploymentMessage[] = [];
  let told = (): void => {};
  channel.onMessage((answer) => {
    answers.push(answer);
    told();
  });
  async function until(count: number): Promise<void> {
    while (answers.length < count) await new Promise<void>((resolve) => (told = resolve));
  }
  channel.send({ type: "Load", data: { id: "ids", files: CALCULATOR } });
  await until(1);
  channel.send({ type: "Invoke", data: { id, name: "later", args: [60_000, 1] } });
  channel.send({ type: "Invoke", data: { id, name: "sum", args: [1, 2] } });
  await until(2);
  expect(answers[1]).toMatchObject({ type: "ProtocolError" });
  await channel.close();
  await until(3);
  expect(answers[2]).toMatchObject({
    type: "InvokeError",
    data: { id, error: { code: "closed" } },
  });
});
