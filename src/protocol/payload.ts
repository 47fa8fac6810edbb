/** Encoded bytes and the large buffers that travel beside them: values, and batches of the wire. */

export interface Payload {
  readonly bytes: Uint8Array;
  /** Buffers the bytes refer to, in the order in which they do. */
  readonly buffers: readonly ArrayBuffer[];
}

/** From here on a buffer travels beside the bytes: each copy of it would cost more than a message. */
export const BESIDE_BYTES: number = 32 * 1024;

export const NO_BUFFERS: readonly ArrayBuffer[] = [];

/** What is to be executed, as far as it has a size. */
type Sized =
  | { readonly type: "function"; readonly args: Payload }
  | {
      readonly type: "source";
      readonly source: string;
      readonly modules: readonly (readonly [name: string, source: string])[];
      readonly globals?: Payload | undefined;
    };

/** Bytes that a run starts with; of text, its characters. */
export function startBytes(target: Sized): number {
  if (target.type === "function") return payloadBytes(target.args);
  const { modules, source, globals } = target;
  const base = source.length + (globals === undefined ? 0 : payloadBytes(globals));
  return modules.reduce((sum, [, text]) => sum + text.length, base);
}

/** All bytes of a payload, buffers included. */
export function payloadBytes({ bytes, buffers }: Payload): number {
  let sum = bytes.length;
  for (const buffer of buffers) sum += buffer.byteLength;
  return sum;
}
