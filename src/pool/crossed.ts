/** What values become when they cross the wall, as far as types can tell. */

/** Arrive as they are: primitives, and objects that are nothing but data. */
type Kept =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView;

/**
 * A value as it arrives on the other side: instances of classes as plain objects, without methods.
 * What cannot cross is `never`: functions, symbols, promises within a value.
 */
export type Crossed<Value> = unknown extends Value
  ? Value
  : Value extends Kept
    ? Value
    : Value extends symbol | PromiseLike<unknown> | AnyFunction
      ? never
      : Value extends ReadonlyMap<infer Key, infer Item>
        ? Map<Crossed<Key>, Crossed<Item>>
        : Value extends ReadonlySet<infer Item>
          ? Set<Crossed<Item>>
          : Value extends readonly unknown[]
            ? { -readonly [Index in keyof Value]: Crossed<Value[Index]> }
            : Value extends object
              ? CrossedObject<Value>
              : Value;

type CrossedObject<Value> = {
  [
    Key in keyof Value as Key extends symbol ? never : Value[Key] extends AnyFunction ? never : Key
  ]: Crossed<Value[Key]>;
};

type AnyFunction = (...args: never[]) => unknown;
