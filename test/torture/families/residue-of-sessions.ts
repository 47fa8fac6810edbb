import type { Session } from "skep";
import { gives } from "../expectations.ts";
import type { Family, Stage, Vector } from "../vector.ts";

/** Replaces every function that can be reached by a name, of everything the helpers could need. */
const PATCH_EVERYTHING = `
  const names = Object.getOwnPropertyNames(globalThis);
  const targets = [];
  for (let at = 0; at < names.length; at++) {
    const value = globalThis[names[at]];
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) continue;
    if (value === globalThis) continue;
    targets.push(value);
    if (typeof value === "function" && value.prototype) targets.push(value.prototype);
  }
  targets.push(Object.getPrototypeOf(async function () {}), Object.getPrototypeOf([].values()));
  const own = Object.getOwnPropertyNames, define = Object.defineProperty;
  const evil = function () { globalThis.called = (globalThis.called || 0) + 1; throw "patched"; };
  for (let at = 0; at < targets.length; at++) {
    const keys = own(targets[at]);
    for (let key = 0; key < keys.length; key++) {
      if (keys[key] === "prototype") continue;
      try { define(targets[at], keys[key], { value: evil, configurable: true }); } catch {}
    }
  }
  for (let at = 0; at < names.length; at++) {
    if (names[at] === "globalThis" || names[at] === "undefined" || names[at] === "host") continue;
    if (typeof globalThis[names[at]] === "function") try { globalThis[names[at]] = evil; } catch {}
  }
  0`;

function vector(
  name: string,
  act: (stage: Stage, open: () => Promise<Session>) => Promise<unknown>,
  found: unknown,
): Vector {
  return {
    name,
    async act(stage) {
      const sessions: Session[] = [];
      const open = async (): Promise<Session> => {
        const session = await stage.pool.session();
        sessions.push(session);
        return session;
      };
      try {
        return await act(stage, open);
      } finally {
        await Promise.all(sessions.map((session) => session.close()));
      }
    },
    expect: gives(found),
  };
}

export const residueOfSessions: Family = {
  name: "residue of sessions",
  vectors: [
    vector(
      "globals, prototypes and intrinsics of a session",
      async ({ pool }, open) => {
        const [one, other] = [await open(), await open()];
        await one.eval(
          "globalThis.left = 1; Object.prototype.left = 2; Array.prototype.push = () => 'taken'; let kept = 3; 0",
        );
        const look = "[typeof left, typeof kept, [1].push(2)]";
        return [await other.eval(look), await pool.eval(look)];
      },
      [
        ["undefined", "undefined", 2],
        ["undefined", "undefined", 2],
      ],
    ),
    vector(
      "a heap full of secrets that was closed",
      async ({ pool }, open) => {
        const session = await open();
        await session.eval(
          "globalThis.secrets = Array.from({ length: 2e4 }, (_, i) => 'secret ' + i); 0",
        );
        await session.close();
        // What is not initialised would show it.
        return pool.eval(
          "let found = 0; for (let i = 0; i < 50; i++) for (const b of new Uint8Array(20_000)) found += b; found",
        );
      },
      0,
    ),
    vector(
      "timers and promises while others run",
      async ({ pool }, open) => {
        const session = await open();
        await session.eval(
          `globalThis.ticks = 0; setInterval(() => { ticks++; host.take("ticked"); }, 1);
           (async () => { for (;;) { await new Promise((r) => setTimeout(r, 1)); ticks++; } })(); 0`,
        );
        const before = await session.eval<number>("const n = ticks; n");
        await pool.eval("await new Promise((done) => setTimeout(done, 40))");
        // At the beginning of a run, what was due happens once, not once for each millisecond.
        return (await session.eval<number>("ticks")) - before <= 12;
      },
      true,
    ),
    vector(
      "a host call's answer does not run a session between its runs",
      async ({ pool, desk }, open) => {
        const session = await open();
        const held = desk.nextHeld();
        await session.eval(
          "globalThis.log = []; host.hold().then((v) => { log.push(v); host.take(v); }); 0",
        );
        await held;
        desk.held[0]?.resolve("answer");
        await pool.eval("await new Promise((done) => setTimeout(done, 20))");
        const taken = desk.taken.length;
        return [taken, await session.eval("log")];
      },
      [0, ["answer"]],
    ),
    vector(
      "due timers that never end are held to the run's limits",
      async (_stage, open) => {
        const session = await open();
        await session.eval("globalThis.k = 1; setTimeout(() => { k = 2; for (;;); }, 0); 0");
        const codes: string[] = [];
        for (const limits of [{ timeoutMs: 60 }, { cpuMs: 40 }, { gas: 50 }]) {
          const late = await session.execute({ eval: "k" }, limits);
          codes.push(late.ok ? `ok: ${String(late.value)}` : late.error.code);
        }
        return codes;
      },
      ["timeout", "cpu-exceeded", "gas-exceeded"],
    ),
    vector(
      "late answers that never end are held to the run's limits",
      async ({ desk }, open) => {
        const session = await open();
        const held = desk.nextHeld();
        await session.eval("globalThis.k = 1; host.hold().then(() => { k = 2; for (;;); }); 0");
        await held;
        desk.held[0]?.resolve(1);
        const late = await session.execute({ eval: "k" }, { timeoutMs: 60 });
        return [late.ok || late.error.code, await session.eval("k")];
      },
      ["timeout", 1],
    ),
    vector(
      "everything patched: copies are told, variables declared again, timers run",
      async ({ desk }, open) => {
        const session = await open();
        const held = desk.nextHeld();
        await session.eval(
          `globalThis.told = "nothing"; globalThis.due = 0; const v = 1;
           host.hold().catch((error) => { told = error.name; });
           setTimeout(() => { due = 1; }, 1); 0`,
        );
        await held;
        await session.eval(PATCH_EVERYTHING);
        const twin = await session.fork();
        try {
          await new Promise((resolve) => setTimeout(resolve, 5));
          const found = await twin.eval("const v = 2; [told, v, due]");
          return [found, await session.eval("const v = 3; v")];
        } finally {
          await twin.close();
        }
      },
      [["HostCallAbandonedError", 2, 1], 3],
    ),
  ],
};
