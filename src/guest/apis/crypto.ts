/** Guest source: crypto.getRandomValues, crypto.randomUUID, crypto.subtle.digest. */
export const CRYPTO: string = /* js */ `
  const digests = { __proto__: null, "SHA-1": 1, "SHA-256": 1, "SHA-384": 1, "SHA-512": 1 };
  const upperCase = uncurry(String.prototype.toUpperCase);
  const crypto = {
    getRandomValues(array) {
      need(arguments.length, 1);
      if (!isView(array)) throw new TypeError("The array must be a typed array.");
      const kind = viewTag(array);
      if (kind === undefined || kind === "Float32Array" || kind === "Float64Array" || kind === "Float16Array") {
        throw new DOMException("The array must be an integer typed array.", "TypeMismatchError");
      }
      const count = viewBytes(array);
      if (count > 65536) throw new DOMException("At most 65536 random bytes can be asked for at once.", "QuotaExceededError");
      setBytes(new Uint8Array(viewBuffer(array), viewOffset(array), count), platform("random.bytes", [count]));
      return array;
    },
    randomUUID() { return platform("random.uuid", []); },
  };
  const subtle = {
    digest(algorithm, data) {
      const count = arguments.length;
      return new Promise(function (resolve) {
        need(count, 2);
        const given = isObject(algorithm) ? algorithm.name : algorithm;
        if (given === undefined && isObject(algorithm)) throw new TypeError("An algorithm must have a name.");
        const name = upperCase(plainText(given));
        const bytes = bytesOf(data);
        if (!digests[name]) throw new DOMException("The digest algorithm is not supported.", "NotSupportedError");
        resolve(bufferOf(platform("digest", [name, bytes])));
      });
    },
  };
  tag(subtle, "SubtleCrypto");
  define(crypto, "subtle", subtle, true);
  tag(crypto, "Crypto");
  install("crypto", crypto);
`;
