// skep's core moving a value through the wall, without pool or messages: out is reading the heap
// and building the host's value, in is encoding and placing, with the sandbox made new each time.
import { restoreImage } from "../../dist/guest/image.js";
import { writeValue } from "../../dist/guest/marshal/heap-walk.js";
import { placeArguments } from "../../dist/guest/marshal/place-inbound.js";
import { ByteWriter } from "../../dist/protocol/bytes.js";
import { encodeArguments } from "../../dist/protocol/values/inbound.js";
import { decodeValue } from "../../dist/protocol/values/outbound.js";
import { FUNCTION_ID, makeImage } from "./skep-core.mjs";
import { expect, MAKE_CUSTOMERS, makeCustomers, synchronously } from "./workload.mjs";

const options = { root: "result", maximumBytes: 64 * 2 ** 20, beside: true };

/** @param {{ direction: "in" | "out" }} options */
export async function open({ direction }) {
  const { image, facts, makeSandbox } = await makeImage(MAKE_CUSTOMERS);
  const sandbox = await makeSandbox();
  restoreImage(sandbox, image, facts);
  return direction === "in" ? inward() : outward();

  function inward() {
    const customers = makeCustomers();
    const act = () => {
      restoreImage(sandbox, image, facts);
      placeArguments(sandbox, encodeArguments([customers]));
    };
    return { round: (/** @type {number} */ count) => synchronously(count, act) };
  }

  function outward() {
    const callee = sandbox.anchors.functions.get(FUNCTION_ID)?.value ?? 0;
    const made = sandbox.call(callee, 0);
    const writer = new ByteWriter();
    const act = () => {
      writer.clear();
      writeValue(sandbox.heap, made.value, writer, options);
      const { bytes, buffers } = writer.written;
      return decodeValue(bytes, buffers);
    };
    expect(JSON.stringify(act()), JSON.stringify(makeCustomers()));
    return { round: (/** @type {number} */ count) => synchronously(count, act) };
  }
}
