/** Requests in a browser: the platform's own fetch, which checks CORS for the page's origin. */
import { hasNoBody, type Reply, RequestRefusedError, type Transport } from "./transport.ts";

export const transport: Transport = {
  async send({ url, method, headers, body }, { signal }) {
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: headers.map(([name, value]): [string, string] => [name, value]),
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
        redirect: "manual",
        mode: "cors",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        cache: "no-store",
        signal,
      });
    } catch {
      // A browser does not tell CORS from a host that is not there.
      throw new RequestRefusedError(
        `${url.origin} could not be reached, or does not let this page's origin read its replies (CORS).`,
      );
    }
    return replyOf(response, method);
  },
};

function replyOf(response: Response, method: string): Reply {
  const { status, statusText, type } = response;
  const reader = hasNoBody(method, status) ? undefined : response.body?.getReader();
  return {
    status,
    statusText,
    headers: [...response.headers],
    isOpaqueRedirect: type === "opaqueredirect",
    type: type === "basic" ? "basic" : "cors",
    body: reader && {
      async read() {
        const { done, value } = await reader.read();
        return done ? undefined : value;
      },
    },
  };
}
