/**
 * Guest source: fetch. The worker makes the request, under the pool's policy; the guest asks for
 * the reply and then for its body, chunk by chunk.
 */
export const FETCH: string = /* js */ `
  const reasonOf = getterOf(globalThis.AbortSignal.prototype, "reason");
  let lastRequest = 0;
  function ask(part, args, resolve, reject) {
    pending[host(30, part, args)[1]] = { __proto__: null, resolve, reject };
  }
  function send(request, body, resolve, reject) {
    const id = ++lastRequest;
    const { signal } = request;
    let aborted = false;
    let done = false;
    let incoming = null;
    function failed(error, tell) { if (!aborted) tell(error); }
    if (shared.onAbort(signal, function () {
      if (done) return;
      aborted = true;
      host(30, "cancel", [id]);
      const reason = reasonOf(signal);
      reject(reason);
      if (incoming !== null && !incoming.ended) finish(incoming, true, reason);
    }) === 2) return reject(reasonOf(signal));
    ask("open", [id, request.url, request.method, sortedHeaders(request.headers), body, request.redirect], function (reply) {
      if (aborted) return;
      if (reply[6]) incoming = newBody({
        __proto__: null,
        pull(give, fail) {
          ask("read", [id], function (chunk) {
            done = done || chunk === null;
            if (!aborted) give(chunk);
          }, function (error) {
            done = true;
            failed(error, fail);
          });
        },
        cancel() {
          done = true;
          host(30, "cancel", [id]);
        },
      });
      else done = true;
      resolve(responseWith(newResponse(reply[0], reply[1], reply[2], reply[3], reply[4], headersWith("immutable", reply[5]), incoming)));
    }, function (error) {
      done = true;
      failed(error, reject);
    });
  }
  install("fetch", function fetch(input, init = undefined) {
    const given = arguments.length;
    return new Promise(function (resolve, reject) {
      need(given, 1);
      const request = requestState(init === undefined ? new Request(input) : new Request(input, init));
      if (shared.onAbort(request.signal, null) === 2) return reject(reasonOf(request.signal));
      if (request.body === null) return send(request, null, resolve, reject);
      collect(request.body, function (bytes) {
        try { send(request, bytes, resolve, reject); } catch (error) { reject(error); }
      }, reject);
    });
  });
`;
