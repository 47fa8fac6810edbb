// @sebastianwessel/quickjs, with the variant its own documentation uses.
import variant from "@jitl/quickjs-ng-wasmfile-release-sync";
import { loadQuickJs } from "@sebastianwessel/quickjs";
import { ADD, expect, oneAfterTheOther } from "./workload.mjs";

export async function open() {
  const { runSandboxed } = await loadQuickJs(variant);
  const source = `export default (${ADD})(1, 2)`;
  const call = async () => {
    const result = await runSandboxed(async ({ evalCode }) => evalCode(source), {});
    if (!result.ok) throw new Error(result.error.message);
    return result.data;
  };
  expect(await call(), 3);
  return { round: (/** @type {number} */ count) => oneAfterTheOther(count, call) };
}
