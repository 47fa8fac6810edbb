// A block of a file is written and read back: by a guest, by the host, and with memfs called directly.
import { createPool } from "../../dist/index.node.js";

const BYTES = 4_096;

const GUEST = {
  std: `(count) => {
    const file = std.open("/data/f", "w+");
    const bytes = new Uint8Array(${BYTES}).fill(1);
    const back = new Uint8Array(${BYTES});
    for (let turn = 0; turn < count; turn++) {
      file.seek(0);
      file.write(bytes);
      file.seek(0);
      file.read(back);
    }
  }`,
  fs: `async (count) => {
    const bytes = new Uint8Array(${BYTES}).fill(1);
    for (let turn = 0; turn < count; turn++) {
      await fs.writeFile("/data/f", bytes);
      await fs.readFile("/data/f");
    }
  }`,
};

/** Counts of the pool would only end the round. */
const limits = { timeoutMs: 0, hostCalls: 0, bytesIn: 0, bytesOut: 0 };

/** @param {{ way: "std" | "fs" | "host" | "memfs", environment?: string, perRun?: "overlay" }} options */
export async function open({ way, environment = "worker-threads", perRun }) {
  if (way === "memfs") return openMemfs();
  const pool = await createPool({
    workers: 1,
    environment,
    limits,
    files: perRun === undefined ? {} : { perRun },
    functions: way === "host" ? {} : { work: GUEST[way] },
  });
  const bytes = new Uint8Array(BYTES).fill(1);
  return {
    async round(/** @type {number} */ count) {
      const began = performance.now();
      if (way !== "host") await pool.run("work", [count]);
      else {
        for (let turn = 0; turn < count; turn++) {
          await pool.files.writeFile("/data/f", bytes);
          await pool.files.readFile("/data/f");
        }
      }
      return performance.now() - began;
    },
    close: () => pool.close({ force: true }),
  };
}

async function openMemfs() {
  const { Volume } = await import("memfs");
  const volume = Volume.fromJSON({ "/data/f": "" });
  const bytes = new Uint8Array(BYTES).fill(1);
  const back = new Uint8Array(BYTES);
  const file = volume.openSync("/data/f", "r+");
  return {
    async round(/** @type {number} */ count) {
      const began = performance.now();
      for (let turn = 0; turn < count; turn++) {
        volume.writeSync(file, bytes, 0, BYTES, 0);
        volume.readSync(file, back, 0, BYTES, 0);
      }
      return performance.now() - began;
    },
    close: () => {},
  };
}
