// The part of skep that replaces making a context, driven directly in one thread: put the image
// back, place the arguments, call, read the result. No pool, no messages, no limits but memory.
import { readFile } from "node:fs/promises";
import { calibrate } from "../../dist/guest/calibrate.js";
import { loadEngine, loadTracking } from "../../dist/guest/engine.js";
import { HostDoor } from "../../dist/guest/host-door.js";
import { hostModules } from "../../dist/guest/host-modules.node.js";
import { restoreImage } from "../../dist/guest/image.js";
import { Inventory } from "../../dist/guest/inventory.js";
import { writeValue } from "../../dist/guest/marshal/heap-walk.js";
import { placeArguments } from "../../dist/guest/marshal/place-inbound.js";
import { pagesFor, Sandbox } from "../../dist/guest/sandbox.js";
import { bootTemplate, buildTemplate } from "../../dist/guest/template.js";
import { ByteWriter } from "../../dist/protocol/bytes.js";
import { encodeArguments } from "../../dist/protocol/values/inbound.js";
import { decodeValue } from "../../dist/protocol/values/outbound.js";
import { ADD, expect, IGNORE, PROGRAMS, synchronously } from "./workload.mjs";

const WASM = new URL("../../dist/engine/quickjs-sync.wasm", import.meta.url);
const TRACKING = new URL("../../dist/engine/quickjs-sync-tracking.wasm", import.meta.url);
const MEMORY_BYTES = 64 * 2 ** 20;
export const FUNCTION_ID = 1;

/**
 * An image with one function in it, and what is needed to make sandboxes of it.
 *
 * @param {string} source
 * @param {boolean} [tracks] In the engine that notes which pages it writes.
 */
export async function makeImage(source, tracks = false) {
  const engine = await loadEngine("sync", await WebAssembly.compile(await readFile(WASM)));
  const facts = await calibrate(engine);
  const settings = {
    engine,
    facts,
    stackBytes: 96 * 1024,
    maximumPages: pagesFor(facts.heapStart, MEMORY_BYTES),
    installTimeoutMs: 10_000,
    door: new HostDoor(hostModules),
  };
  const empty = await bootTemplate(settings);
  const functions = [{ id: FUNCTION_ID, name: "work", source, dependencies: [] }];
  const inventory = Inventory.empty().after({
    revision: 1,
    define: { functions, constants: [], dependencies: [] },
    undefine: { functions: [], constants: [], dependencies: [] },
  });
  const image = await buildTemplate(settings, empty, inventory);
  const tracking =
    tracks && (await loadTracking(await WebAssembly.compile(await readFile(TRACKING))));
  const makeSandbox = () => Sandbox.create(tracking || engine, settings.maximumPages);
  return { image, facts, makeSandbox };
}

/** Makes the sandbox new, calls the function in it, and reads what it returned. */
export function freshCall(
  /** @type {Awaited<ReturnType<typeof makeImage>>} */ { image, facts },
  /** @type {Sandbox} */ sandbox,
  /** @type {unknown[]} */ args,
) {
  restoreImage(sandbox, image, facts);
  const { count, pointers } = placeArguments(sandbox, encodeArguments(args));
  const callee = sandbox.anchors.functions.get(FUNCTION_ID)?.value ?? 0;
  const completion = sandbox.call(callee, count, pointers);
  if (completion.threw) throw new Error("The guest function threw.");
  output.length = 0;
  writeValue(sandbox.heap, completion.value, output, { root: "result", maximumBytes: 1 << 20 });
  return decodeValue(output.bytes.subarray(0, output.length));
}

const output = new ByteWriter();

/** @param {{ program?: keyof typeof PROGRAMS, args?: unknown[], tracks?: boolean }} options */
export async function open({ program, args: given, tracks = false }) {
  const ignoring = given === undefined ? ADD : IGNORE;
  const made = await makeImage(program === undefined ? ignoring : PROGRAMS[program], tracks);
  const sandbox = await made.makeSandbox();
  const args = given ?? (program === undefined ? [1, 2] : []);
  const isOver = (/** @type {number} */ deadline) => performance.now() > deadline;
  let deadline = Number.POSITIVE_INFINITY;
  sandbox.hooks = { ...sandbox.hooks, interrupt: () => isOver(deadline) };
  const call = () => {
    deadline = performance.now() + 30_000;
    return freshCall(made, sandbox, args);
  };
  if (program === undefined) expect(call(), given === undefined ? 3 : 1);
  return { round: (/** @type {number} */ count) => synchronously(count, call) };
}
