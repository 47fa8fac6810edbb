/** The web APIs that `webApis: "all"` means, by the names the option takes. */
export const WEB_API_NAMES = [
  "console",
  "timers",
  "microtasks",
  "structuredClone",
  "encoding",
  "url",
  "base64",
  "crypto",
  "performance",
  "events",
  "abort",
] as const;

/** Those that `"all"` leaves out: `http` (Headers, Request, Response) also comes with `fetch`. */
export const EXTRA_WEB_API_NAMES = ["http"] as const;

export type WebApiName = (typeof WEB_API_NAMES)[number] | (typeof EXTRA_WEB_API_NAMES)[number];
