/** A deployment's messages, `{ type, data }`: what MetaCall says to a process, and it answers. */
import { SkepError } from "../../errors.ts";
import { display, invalid } from "../../pool/option-checks.ts";
import type { DeploymentMetadata } from "./metadata.ts";
import type { DeploymentInput } from "./options.ts";

/** A message, of a documented name (`Load`) or as it is on the wire (`LoadFunctions`). */
export interface DeploymentMessage {
  type: string;
  data?: unknown;
}

/** What is on the wire for each documented name. Answers come in the words of the question. */
export const MESSAGE_TYPES = {
  Install: "InstallDependencies",
  Load: "LoadFunctions",
  MetaData: "GetApplicationMetadata",
  Invoke: "CallFunction",
  InvokeResult: "FunctionInvokeResult",
  /** Not in the original: why a call has no result. */
  InvokeError: "FunctionInvokeError",
  /** Not in the original: why a bundle could not be loaded. */
  LoadError: "LoadFunctionsError",
  /** Not in the original: why a message was not understood. */
  ProtocolError: "ProtocolError",
} as const;

type MessageName = keyof typeof MESSAGE_TYPES;

/** What `Load` carries, with MetaCall's fields. */
export interface Resource extends Pick<DeploymentInput, "files" | "jsons" | "version"> {
  /** The deployment's suffix. */
  id: string;
  /** The folder of the bundle; or give its texts as `files`. */
  path?: string | undefined;
  runners?: readonly string[] | undefined;
  type?: string | undefined;
  blob?: string | undefined;
}

/** The error's name and message, as data. */
export interface ErrorData {
  name: string;
  message: string;
  code?: string | undefined;
}

type Reply = (answer: MessageName, content: object) => void;

interface Registry {
  deploy(input: DeploymentInput): Promise<DeploymentMetadata>;
  invoke(suffix: string, name: string, args: readonly unknown[]): Promise<unknown>;
  delete(suffix: string, options: { force: boolean }): Promise<boolean>;
}

const MAXIMUM_ID = 256;

/**
 * One deployment behind messages: send `Load`, then `Invoke`. Whatever is sent, nothing throws; what
 * cannot be understood is answered with a `ProtocolError`.
 */
export class DeploymentChannel {
  readonly #registry: Registry;
  readonly #onFailure: (suffix: string, error: unknown) => void;
  readonly #listeners = new Set<(message: DeploymentMessage) => void>();
  /** Calls in flight, by the id that their answers will have. */
  readonly #calls = new Set<string>();
  #suffix: string | undefined;
  #isLoaded = false;
  #isClosed = false;

  /** Channels are made by `Deployments.channel()`. */
  constructor(registry: Registry, onFailure: (suffix: string, error: unknown) => void) {
    this.#registry = registry;
    this.#onFailure = onFailure;
  }

  /** Calls `listener` with each answer, until the returned function is called. */
  onMessage(listener: (message: DeploymentMessage) => void): () => void {
    checkListener(listener);
    const added = (message: DeploymentMessage): void => listener(message);
    this.#listeners.add(added);
    return () => void this.#listeners.delete(added);
  }

  /** Sends a message. False when the channel is closed; what comes of it comes as an answer. */
  send(message: DeploymentMessage): boolean {
    if (this.#isClosed) return false;
    const { type, data } = fieldsOf(message);
    const name = nameOf(type);
    const isWire = name !== undefined && type === MESSAGE_TYPES[name];
    const reply: Reply = (answer, content) => {
      this.#tell({ type: isWire ? MESSAGE_TYPES[answer] : answer, data: content });
    };
    if (name === "Load") void this.#load(data, reply);
    else if (name === "Invoke") void this.#invoke(data, reply);
    else {
      const reason =
        name === "Install"
          ? "Install is reserved: packages are bundled when a bundle is loaded."
          : `A message of type ${display(type)} is nothing that can be sent here.`;
      reply("ProtocolError", { error: protocolError(reason) });
    }
    return true;
  }

  /** Ends what was loaded, as killing the process would: calls in flight are answered with errors. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#suffix !== undefined) await this.#registry.delete(this.#suffix, { force: true });
    this.#isClosed = true;
  }

  async #load(data: Record<string, unknown>, reply: Reply): Promise<void> {
    const { id } = data;
    const [answer, content] = await this.#loaded(data).then(
      (metadata) => ["MetaData", metadata] as const,
      (error: unknown) => ["LoadError", { id, error: errorData(error) }] as const,
    );
    reply(answer, content);
  }

  async #loaded(data: Partial<Resource>): Promise<DeploymentMetadata> {
    const { id, path, jsons, files, version } = data;
    if (this.#suffix !== undefined && this.#suffix !== id) {
      throw new SkepError("invalid-argument", `This channel is that of "${this.#suffix}".`);
    }
    // At once: another that comes while this one is loaded must not be a second deployment.
    this.#suffix = id;
    const given = Object.entries({ path, jsons, files, version });
    try {
      const metadata = await this.#registry.deploy({
        suffix: id as string,
        ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      });
      this.#isLoaded = true;
      return metadata;
    } catch (error) {
      if (!this.#isLoaded) this.#suffix = undefined;
      throw error;
    }
  }

  async #invoke(data: Record<string, unknown>, reply: Reply): Promise<void> {
    const { id } = data;
    if (typeof id !== "string" || id === "" || id.length > MAXIMUM_ID) {
      reply("ProtocolError", { error: protocolError("A call must have an id, which is a text.") });
      return;
    }
    // Its answer would settle the call that was there first.
    if (this.#calls.has(id)) {
      reply("ProtocolError", { error: protocolError(`The call "${id}" is in flight already.`) });
      return;
    }
    this.#calls.add(id);
    const [answer, content] = await this.#invoked(data).then(
      (result) => ["InvokeResult", { id, result }] as const,
      (error: unknown) => ["InvokeError", { id, error: errorData(error) }] as const,
    );
    this.#calls.delete(id);
    reply(answer, content);
  }

  async #invoked({ name, args }: Record<string, unknown>): Promise<unknown> {
    if (this.#suffix === undefined || !this.#isLoaded) {
      throw new SkepError("deployment-not-ready", "Nothing is loaded. Send Load first.");
    }
    if (typeof name !== "string" || !Array.isArray(args)) {
      throw new SkepError("invalid-argument", "A call needs a name and a list of args.");
    }
    return this.#registry.invoke(this.#suffix, name, args);
  }

  #tell(message: DeploymentMessage): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(message);
      } catch (error) {
        this.#onFailure(this.#suffix ?? "", error);
      }
    }
  }
}

/** Throws `invalid-argument` for what cannot be called. */
export function checkListener(listener: unknown): void {
  if (typeof listener !== "function") {
    throw invalid(`A listener must be a function, not ${display(listener)}.`);
  }
}

function fieldsOf(message: unknown): { type: unknown; data: Record<string, unknown> } {
  const { type, data } = (message ?? {}) as Partial<DeploymentMessage>;
  return {
    type,
    data: typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {},
  };
}

function nameOf(type: unknown): MessageName | undefined {
  const found = Object.entries(MESSAGE_TYPES).find(
    ([name, wire]) => type === name || type === wire,
  );
  return found?.[0] as MessageName | undefined;
}

function protocolError(message: string): ErrorData {
  return { name: "ProtocolError", message };
}

function errorData(error: unknown): ErrorData {
  if (error instanceof SkepError) {
    const { name, message, code } = error;
    return { name, message, code };
  }
  return { name: "Error", message: error instanceof Error ? error.message : String(error) };
}
