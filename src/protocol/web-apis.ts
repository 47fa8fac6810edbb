/** The web APIs a sandbox can have, by the names the pool's `webApis` option takes. */
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

export type WebApiName = (typeof WEB_API_NAMES)[number];
