/**
 * The template: the sandbox a worker builds from its registry and takes images of. Definitions are
 * applied to it in a fixed order; anything taken back builds it anew, so that nothing lingers.
 */
import { messageOf } from "../errors.ts";
import { ByteWriter } from "../protocol/bytes.ts";
import type {
  DefinitionKind,
  DependencyDefinition,
  FunctionDefinition,
  InstallFailure,
} from "../protocol/control.ts";
import { BOOTSTRAP_FILE, functionFile, locationIn } from "../protocol/source-files.ts";
import type { SourceLocation } from "../source-location.ts";
import { encodeArray } from "../protocol/values/inbound.ts";
import { decodeThrown, decodeValue } from "../protocol/values/outbound.ts";
import type { GuestApiName } from "./apis/web-apis.ts";
import type { EngineFacts } from "./calibrate.ts";
import { type Address, type Engine, INITIAL_PAGES } from "./engine.ts";
import { dropFirstLine } from "./first-line.ts";
import { type HostDoor, readPayload } from "./host-door.ts";
import { describeHostModule, type HostModule, type HostModuleContent } from "./host-module.ts";
import { captureImage, type Image, restoreImage } from "./image.ts";
import type { Inventory } from "./inventory.ts";
import { ClassId, Tag, VALUE_BYTES } from "./marshal/heap-layout.ts";
import { placeArray } from "./marshal/place-inbound.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { writeThrown } from "./marshal/thrown.ts";
import type { HelperName } from "./boot/boot.ts";
import { type Completion, EvalFlag, Sandbox } from "./sandbox.ts";
import { selfTest } from "./self-test.ts";
import { TemplateModules } from "./template-modules.ts";

/** A definition did not install; the template is not usable. */
export class InstallError extends Error {
  override name = "InstallError";
  constructor(
    readonly failure: InstallFailure,
    options?: ErrorOptions,
  ) {
    super(failure.message, options);
  }
}

export interface BootSettings {
  engine: Engine;
  facts: EngineFacts;
  stackBytes: number;
  webApis: readonly GuestApiName[];
}

/** Bytes of arguments that code of a definition may hand to host modules at once. */
const MAXIMUM_ARGUMENT_BYTES = 64 * 2 ** 20;

export interface TemplateSettings {
  engine: Engine;
  facts: EngineFacts;
  maximumPages: number;
  installTimeoutMs: number;
  door: HostDoor;
}

/** Boots an empty sandbox and checks the engine in it. Called at least once per pool. */
export async function bootTemplate({
  engine,
  facts,
  stackBytes,
  webApis,
}: BootSettings): Promise<Image> {
  const sandbox = await Sandbox.create(engine);
  sandbox.boot(stackBytes, webApis);
  const image = captureImage(sandbox, facts);
  selfTest(sandbox);
  restoreImage(sandbox, image, facts);
  return image;
}

/** Builds a sandbox with everything in the inventory and returns its image. */
export async function buildTemplate(
  settings: TemplateSettings,
  empty: Image,
  inventory: Inventory,
): Promise<Image> {
  const sandbox = await Sandbox.create(
    settings.engine,
    Math.max(settings.maximumPages, INITIAL_PAGES),
  );
  restoreImage(sandbox, empty, settings.facts);
  const builder = new TemplateBuilder(settings, sandbox, inventory);
  try {
    await builder.build();
  } catch (error) {
    throw builder.blame(error);
  }
  const image = captureImage(sandbox, settings.facts);
  settings.door.adopt(builder.hostModules);
  return image;
}

class TemplateBuilder {
  readonly #settings: TemplateSettings;
  readonly #sandbox: Sandbox;
  readonly #inventory: Inventory;
  readonly #startedAt: number = performance.now();
  readonly #deadline: number;
  readonly #handles = new Map<number, object>();
  #timerDue = Number.POSITIVE_INFINITY;
  /** Something was given a promise of the host's, which is not answered while a template is built. */
  #asksHost = false;
  readonly #modules: TemplateModules;
  readonly #hostModules = new Map<string, HostModule>();
  #current: { kind: DefinitionKind; name: string } = { kind: "bootstrap", name: "bootstrap" };

  constructor(settings: TemplateSettings, sandbox: Sandbox, inventory: Inventory) {
    this.#settings = settings;
    this.#sandbox = sandbox;
    this.#inventory = inventory;
    this.#deadline = this.#startedAt + settings.installTimeoutMs;
    const loadCommonjs = this.#loadCommonjs.bind(this);
    this.#modules = new TemplateModules({ sandbox, inventory, loadCommonjs });
  }

  /** What was loaded of the host, by alias. */
  get hostModules(): ReadonlyMap<string, HostModule> {
    return this.#hostModules;
  }

  /** What went wrong, with the definition that was in turn. */
  blame(error: unknown): unknown {
    if (error instanceof InstallError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new InstallError({ ...this.#current, message: reason }, { cause: error });
  }

  async build(): Promise<void> {
    const { door } = this.#settings;
    this.#sandbox.hooks = {
      interrupt: () => performance.now() > this.#deadline,
      hostCall: (count, args) =>
        door.call(this.#sandbox, count, args, {
          armTimer: (delayMs: number) => {
            this.#timerDue = delayMs < 0 ? Number.POSITIVE_INFINITY : performance.now() + delayMs;
          },
          console: () => undefined,
          uncaught: () => undefined,
          required: (alias) => this.#modules.required(alias),
          modules: this.#hostModules,
          pending: (_id, promise) => {
            this.#asksHost = true;
            void Promise.resolve(promise).catch(() => {});
          },
          isOver: () => false,
          hostCalled: () => {},
          fileCalled: noFilesYet,
          readArguments: (address) => readPayload(this.#sandbox, address, MAXIMUM_ARGUMENT_BYTES),
          encodeAnswer: encodeArray,
          callHost: noHostYet,
          callHostSync: noHostYet,
          request: noRequestYet,
          handles: this.#handles,
          startedAt: () => this.#startedAt,
        }),
      moduleSource: (name) => this.#modules.source(name),
      resolveModule: (base, name) => this.#modules.resolve(base, name),
    };
    const { dependencies, constants, functions, bootstrap } = this.#inventory;
    // Before any code that may take a function of the host along for later.
    for (const name of [...this.#inventory.hosts].sort()) {
      const [steps] = this.#settings.door.place(this.#sandbox, [name.split(".")]) as [Address];
      this.#helper("defineHost", [this.#text(name), steps]);
    }
    // Host modules first: the others may call them while they are evaluated.
    for (const order of ["host-module", "commonjs", "source"] as const) {
      for (const dependency of sorted(dependencies, (item) => item.alias)) {
        if (dependency.kind === order) await this.#dependency(dependency);
      }
    }
    for (const constant of sorted(constants, (item) => item.name)) {
      this.#current = { kind: "constant", name: constant.name };
      this.#helper("setConstant", [
        this.#text(constant.name),
        placeArray(this.#sandbox, constant.value),
      ]);
    }
    if (bootstrap !== undefined) await this.#bootstrap(bootstrap);
    for (const definition of sorted(functions, (item) => item.name)) this.#function(definition);
    // They would be every run's, and overdue in each.
    if (this.#timerDue !== Number.POSITIVE_INFINITY) {
      this.#helper("runTimer", [this.#boolean(true)]);
    }
    this.#sandbox.anchors.functions = new Map(this.#sandbox.anchors.functions);
  }

  async #dependency(dependency: DependencyDefinition): Promise<void> {
    const { alias } = dependency;
    this.#current = { kind: "dependency", name: alias };
    // What `require` of CommonJS gives is its exports object; of anything else the namespace.
    let isWhole = dependency.kind !== "commonjs";
    this.#modules.begin();
    if (dependency.kind === "commonjs") this.#check(this.#loadCommonjs(alias));
    else if (dependency.kind === "host-module") isWhole = !(await this.#hostModule(dependency));
    const namespace = await this.#settled(this.#helper("importModule", [this.#text(alias)]));
    this.#modules.end();
    this.#helper("concealModules", []);
    const pick =
      dependency.pick === undefined ? this.#undefined() : this.#text(dependency.pick.export);
    this.#helper("setDependency", [this.#text(alias), namespace, pick, this.#boolean(isWhole)]);
  }

  /** Evaluates a CommonJS dependency unless that was done, and makes an ES module of its exports. */
  #loadCommonjs(alias: string): Completion {
    const exports = this.#call("commonjsExports", [this.#text(alias)]);
    if (exports.threw) return exports;
    const names = this.#call("exportNames", [exports.value]);
    if (names.threw) return names;
    this.#call("exposeModule", [this.#text(alias), exports.value]);
    this.#modules.makeUp(alias, this.#decode(names.value) as string[]);
    return exports;
  }

  /** Whether the module can be called itself. */
  async #hostModule(
    definition: Extract<DependencyDefinition, { kind: "host-module" }>,
  ): Promise<boolean> {
    const { alias } = definition;
    const { door } = this.#settings;
    let lists: Address[];
    let described: HostModuleContent;
    try {
      const module = await door.load(definition);
      this.#hostModules.set(alias, module);
      described = describeHostModule(module);
      const { functionNames, values, handles } = described;
      lists = door.place(this.#sandbox, [functionNames, Object.entries(values), handles]);
    } catch (error) {
      this.#fail(messageOf(error));
    }
    const { functionNames, values, handles } = described;
    const names = [...Object.keys(values), ...handles.map(([name]) => name)];
    const content = this.#helper("hostModule", [this.#text(alias), ...lists]);
    this.#helper("exposeModule", [this.#text(alias), content]);
    const main = names.includes("default") ? "content.default" : "content";
    this.#modules.makeUp(alias, [...functionNames, ...names], main);
    return functionNames.includes("default");
  }

  async #bootstrap(source: string): Promise<void> {
    this.#current = { kind: "bootstrap", name: "bootstrap" };
    await this.#settled(
      this.#check(this.#sandbox.evaluate(source, BOOTSTRAP_FILE, EvalFlag.async)),
    );
  }

  #function(definition: FunctionDefinition): void {
    const { name } = definition;
    this.#current = { kind: "function", name };
    const value = this.#check(
      this.#sandbox.evaluate(definition.source, functionFile(name), EvalFlag.script),
    );
    const { heap } = this.#sandbox;
    const kind = heap.tag(value) === Tag.object ? heap.classId(heap.pointer(value)) : 0;
    if (kind === ClassId.generatorFunction || kind === ClassId.asyncGeneratorFunction) {
      this.#fail("is a generator function. Define one that returns the values in an array.");
    }
    if (
      kind !== ClassId.function &&
      kind !== ClassId.asyncFunction &&
      kind !== ClassId.boundFunction
    ) {
      this.#fail("does not evaluate to a function.");
    }
    if (kind !== ClassId.boundFunction) dropFirstLine(this.#sandbox, value);
    const { id, contextIndex } = definition;
    this.#sandbox.anchors.functions.set(id, { name, value, contextIndex });
  }

  /** Calls a helper of the library's guest code with values; fails the installation when it throws. */
  #helper(name: HelperName, args: Address[]): Address {
    return this.#check(this.#call(name, args));
  }

  #call(name: HelperName, args: Address[]): Completion {
    const { anchors } = this.#sandbox;
    args.forEach((value, index) =>
      this.#sandbox.copyValue(value, anchors.argumentValues + index * VALUE_BYTES),
    );
    return this.#sandbox.call(anchors.helpers[name], args.length);
  }

  #check(completion: Completion): Address {
    if (!completion.threw) return completion.value;
    if (performance.now() > this.#deadline) this.#failTimeout();
    const writer = new ByteWriter();
    writeThrown(this.#sandbox.heap, completion.value, writer);
    const { name, message, stack } = decodeThrown(writer.take());
    return this.#fail(`${name}: ${message}`, this.#locate(stack));
  }

  /** The innermost place in a file. */
  #locate(stack: string): SourceLocation | undefined {
    for (const line of stack.split("\n")) {
      const location = locationIn(line);
      if (location === undefined || location.file === "<input>") continue;
      // A syntax error's place, which alone has no brackets, is from before the positions of
      // wrapped code were put right.
      const isWrapped =
        !line.endsWith(")") &&
        (this.#current.kind === "function" ||
          this.#inventory.commonjsSource(location.file) !== undefined);
      return isWrapped ? { ...location, line: location.line - 1 } : location;
    }
    return undefined;
  }

  /** Runs the sandbox until the promise at `value` is settled; a value that is none is the result. */
  async #settled(value: Address): Promise<Address> {
    const sandbox = this.#sandbox;
    for (;;) {
      const failed = sandbox.runJobs();
      if (failed) this.#check(failed);
      const promise = sandbox.promise(value);
      if (promise === undefined) return value;
      if (promise.state === "fulfilled") return promise.result;
      if (promise.state === "rejected") return this.#check({ threw: true, value: promise.result });
      await this.#untilTimer();
      this.#check(sandbox.call(sandbox.anchors.helpers.runTimer, 0));
    }
  }

  async #untilTimer(): Promise<void> {
    const now = performance.now();
    if (this.#timerDue === Number.POSITIVE_INFINITY) {
      this.#fail(
        this.#asksHost
          ? "waits for a promise of the host, which is not answered while definitions are installed. Ask for it in a function."
          : "waits for a promise that nothing in the sandbox can settle.",
      );
    }
    if (now > this.#deadline || this.#timerDue > this.#deadline) this.#failTimeout();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, this.#timerDue - now)));
  }

  #failTimeout(): never {
    return this.#fail(`did not finish within ${this.#settings.installTimeoutMs} ms.`);
  }

  #fail(message: string, location?: SourceLocation): never {
    throw new InstallError({ ...this.#current, message, ...(location ? { location } : {}) });
  }

  #decode(value: Address): unknown {
    const writer = new ByteWriter();
    writeValue(this.#sandbox.heap, value, writer, { root: "value", maximumBytes: 1 << 20 });
    return decodeValue(writer.take());
  }

  #text(text: string): Address {
    return this.#sandbox.newText(text);
  }

  #undefined(): Address {
    return this.#sandbox.instance.exports.QTS_GetUndefined();
  }

  #boolean(value: boolean): Address {
    return this.#sandbox.evaluate(value ? "true" : "false", "skep:value", EvalFlag.script).value;
  }
}

/** A host function's effects would happen once per worker and stay in the image. */
function noHostYet(): never {
  throw new Error("Host functions cannot be called while definitions are installed.");
}

function noFilesYet(): never {
  throw new TypeError("Files cannot be used while definitions are installed.");
}

function noRequestYet(): never {
  throw new TypeError("fetch cannot be called while definitions are installed.");
}

function sorted<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
