/** `WorkerProcedureCall` in a browser: workers are Web Workers. */
import { webPlatform } from "../../environments/platform.web.ts";
import type { WorkerProcedureCallOptions } from "./options.ts";
import { ProcedureCalls } from "./procedure-calls.ts";

export type * from "./public.ts";

/** Functions defined here and called in workers, each call in a sandbox of its own. */
export class WorkerProcedureCall extends ProcedureCalls {
  constructor(options: WorkerProcedureCallOptions = {}) {
    const home = { platform: webPlatform, environment: "web-worker", refuseModule };
    super(home, options);
  }
}

/** Refused when defined: a browser that starts its workers later is no less a browser. */
function refuseModule(specifier: string): string | undefined {
  if (/^https?:\/\//i.test(specifier)) return undefined;
  const what = specifier.startsWith("node:")
    ? `"${specifier}" is a module of Node, which a browser does not have.`
    : `A browser cannot resolve "${specifier}".`;
  return (
    `${what} Use the absolute http(s) URL of an ES module that does the same, such as a bundle of ` +
    "your own or one of a CDN, or what sandboxes bring along: crypto.randomUUID(), URL, TextEncoder."
  );
}
