/**
 * Guest source: TextEncoder, TextDecoder. The platform's own do the work; bytes of an unfinished
 * character wait in the guest, so that they are part of what a reset forgets.
 */
export const ENCODING: string = /* js */ `
  class TextEncoder {
    #bytes(value) { return platform("text.encode", [text(value)]); }
    get encoding() { this.#bytes; return "utf-8"; }
    encode(input = "") { return this.#bytes(input); }
    encodeInto(source, destination) {
      need(arguments.length, 2);
      if (viewTag(destination) !== "Uint8Array") throw new TypeError("The destination must be a Uint8Array.");
      const result = platform("text.encodeInto", [text(source), viewBytes(destination)]);
      setBytes(destination, result[1]);
      return { read: result[0], written: viewBytes(result[1]) };
    }
  }
  class TextDecoder {
    #encoding; #fatal; #ignoreBOM; #carried = null; #started = false;
    constructor(label = "utf-8", options = undefined) {
      const name = plainText(label);
      const encoding = platform("text.encoding", [name]);
      if (encoding === null) throw new RangeError('The encoding "' + name + '" is not supported.');
      const { fatal, ignoreBOM } = dictionary(options);
      this.#encoding = encoding;
      this.#fatal = !!fatal;
      this.#ignoreBOM = !!ignoreBOM;
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input = undefined, options = undefined) {
      const encoding = this.#encoding;
      const stream = !!dictionary(options).stream;
      let bytes = input === undefined ? new Uint8Array(0) : bytesOf(input);
      if (this.#carried !== null) {
        const carriedBytes = viewBytes(this.#carried);
        const joined = new Uint8Array(carriedBytes + viewBytes(bytes));
        setBytes(joined, this.#carried);
        setBytes(joined, bytes, carriedBytes);
        bytes = joined;
      }
      const result = platform("text.decode", [encoding, this.#fatal, this.#ignoreBOM || this.#started, bytes, stream]);
      this.#carried = null;
      if (result === null) {
        this.#started = false;
        throw new TypeError("The encoded data was not valid for encoding " + encoding + ".");
      }
      const left = result[1];
      const all = viewBytes(bytes);
      if (left > 0) this.#carried = bytesOf(new Uint8Array(bufferOf(bytes), all - left, left));
      this.#started = stream && (this.#started || all > left);
      return result[0];
    }
  }
  installClass(TextEncoder);
  installClass(TextDecoder);
`;
