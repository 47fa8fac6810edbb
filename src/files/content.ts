/** The bytes of one file in memory. They grow by pieces, so that appending never copies what is there. */

const PIECE_BYTES = 64 * 1024;
/** The first piece of a small file is smaller, and doubles. */
const FIRST_BYTES = 128;

export class Content {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  static of(bytes: Uint8Array): Content {
    const content = new Content();
    content.write(0, bytes);
    return content;
  }

  get size(): number {
    return this.#size;
  }

  /** A copy of as many of the bytes as there are. */
  read(position: number, length: number): Uint8Array<ArrayBuffer> {
    const end = Math.min(this.#size, position + length);
    const bytes = new Uint8Array(Math.max(0, end - position));
    for (let at = position; at < end;) {
      const offset = at % PIECE_BYTES;
      const piece = this.#pieces[Math.floor(at / PIECE_BYTES)] as Uint8Array;
      const part = piece.subarray(offset, Math.min(PIECE_BYTES, offset + end - at));
      bytes.set(part, at - position);
      at += part.length;
    }
    return bytes;
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (position + bytes.length > this.#size) this.#grow(position + bytes.length);
    for (let done = 0; done < bytes.length;) {
      const at = position + done;
      const offset = at % PIECE_BYTES;
      const piece = this.#pieces[Math.floor(at / PIECE_BYTES)] as Uint8Array;
      const part = bytes.subarray(done, done + PIECE_BYTES - offset);
      piece.set(part, offset);
      done += part.length;
    }
  }

  resize(size: number): void {
    if (size > this.#size) return this.#grow(size);
    const pieces = Math.ceil(size / PIECE_BYTES);
    this.#pieces.length = pieces;
    // What a later write leaves out must read as zeros.
    this.#pieces[pieces - 1]?.fill(0, size - (pieces - 1) * PIECE_BYTES);
    this.#size = size;
  }

  #grow(size: number): void {
    const pieces = Math.ceil(size / PIECE_BYTES);
    const last = this.#pieces.length - 1;
    if (last >= 0 && pieces > last + 1) this.#enlarge(last, PIECE_BYTES);
    while (this.#pieces.length < pieces - 1) this.#pieces.push(new Uint8Array(PIECE_BYTES));
    if (pieces > 0) this.#enlarge(pieces - 1, size - (pieces - 1) * PIECE_BYTES);
    this.#size = size;
  }

  #enlarge(index: number, neededBytes: number): void {
    const piece = this.#pieces[index];
    if (piece !== undefined && piece.length >= neededBytes) return;
    let bytes = Math.max(FIRST_BYTES, piece?.length ?? 0);
    while (bytes < neededBytes) bytes *= 2;
    // Later pieces are of files that grow.
    const larger = new Uint8Array(index === 0 ? bytes : PIECE_BYTES);
    if (piece !== undefined) larger.set(piece);
    this.#pieces[index] = larger;
  }
}
