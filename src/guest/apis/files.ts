/**
 * Guest source: `fs`, `std` and `os`. An open file is a path and a position that the guest keeps;
 * every operation names the path, so that nothing of a run is left open with the host.
 */
export const FILES: string = /* js */ `
  const { Date } = globalThis;
  const slice = uncurry(String.prototype.slice);
  const { RangeError } = globalThis;
  function ask(action, args) { return receive(host(40, action, args)); }
  function askNow(action, args) {
    const reply = host(41, action, args);
    if (reply[0]) return receive(reply[1]);
    throw hostError(reply[1]);
  }
  function dataOf(data) {
    if (typeof data === "string") return data;
    if (isView(data)) return bytesOf(data);
    try { bufferBytes(data); } catch { throw new TypeError("The data must be a string, a view or an ArrayBuffer."); }
    return bytesOf(data);
  }
  function optionsOf(options, names) {
    if (options === undefined || options === null) return { __proto__: null };
    if (typeof options !== "object") throw new TypeError("The options must be an object.");
    const keys = ownKeys(options);
    for (let index = 0; index < keys.length; index++) {
      if (!names[keys[index]]) throw new TypeError("There is no option " + plainText(keys[index]) + ".");
    }
    return options;
  }
  function encodingOf(options, names) {
    const encoding = typeof options === "string" ? options : optionsOf(options, names).encoding;
    if (encoding === undefined || encoding === null || encoding === "buffer") return false;
    if (encoding === "utf8" || encoding === "utf-8") return true;
    throw new TypeError("The encoding must be utf8; without one there are bytes.");
  }
  const READING = { __proto__: null, encoding: true };
  const WRITING = { __proto__: null, encoding: true, flag: true };
  const LISTING = { __proto__: null, recursive: true, withFileTypes: true };
  const MAKING = { __proto__: null, recursive: true };
  const REMOVING = { __proto__: null, recursive: true, force: true };

  class Dirent {
    #isDirectory;
    constructor(name, parentPath, isDirectory) {
      define(this, "name", name, true);
      define(this, "parentPath", parentPath, true);
      this.#isDirectory = isDirectory;
    }
    isFile() { return !this.#isDirectory; }
    isDirectory() { return this.#isDirectory; }
    isSymbolicLink() { return false; }
  }
  class Stats {
    #isDirectory;
    constructor(parts) {
      this.#isDirectory = parts[0];
      define(this, "size", parts[1], true);
      define(this, "mode", parts[0] ? 16877 : 33188, true);
      define(this, "mtimeMs", parts[2], true);
      define(this, "mtime", new Date(parts[2]), true);
    }
    isFile() { return !this.#isDirectory; }
    isDirectory() { return this.#isDirectory; }
    isSymbolicLink() { return false; }
  }
  function then(promise, make) {
    return new Promise(function (resolve, reject) {
      promiseThen(promise, function (value) {
        try { resolve(make(value)); } catch (error) { reject(error); }
      }, reject);
    });
  }
  function entriesOf(flat, make) {
    const list = [];
    for (let index = 0; index < flat.length; index += 2) push(list, make(flat[index], flat[index + 1]));
    return list;
  }
  function direntIn(directory, below, isDirectory) {
    let slash = -1;
    for (let index = 0; index < below.length; index++) if (below[index] === "/") slash = index;
    const name = slash < 0 ? below : slice(below, slash + 1);
    return new Dirent(name, slash < 0 ? directory : directory + "/" + slice(below, 0, slash), isDirectory);
  }
  function flagOf(options, fallback) {
    if (typeof options !== "string") {
      const flag = optionsOf(options, WRITING).flag;
      encodingOf(options, WRITING);
      return flag === undefined ? fallback : flag;
    }
    encodingOf(options, WRITING);
    return fallback;
  }
  const promises = {
    __proto__: null,
    readFile(path, options) { return ask("readFile", [path, encodingOf(options, READING)]); },
    writeFile(path, data, options) { return ask("writeFile", [path, dataOf(data), flagOf(options, "w")]); },
    appendFile(path, data, options) { return ask("writeFile", [path, dataOf(data), flagOf(options, "a")]); },
    readdir(path, options) {
      const given = optionsOf(options, LISTING);
      const hasTypes = !!given.withFileTypes;
      const directory = path;
      return then(ask("readdir", [directory, !!given.recursive]), function (flat) {
        return entriesOf(flat, function (name, isDirectory) {
          return hasTypes ? direntIn(directory, name, isDirectory) : name;
        });
      });
    },
    stat(path) { return then(ask("stat", [path]), function (parts) { return new Stats(parts); }); },
    mkdir(path, options) { return ask("mkdir", [path, !!optionsOf(options, MAKING).recursive]); },
    rm(path, options) {
      const given = optionsOf(options, REMOVING);
      return ask("rm", [path, !!given.recursive, !!given.force]);
    },
    rename(from, to) { return ask("rename", [from, to]); },
    copyFile(from, to, mode) { return ask("copyFile", [from, to, mode === 1]); },
    exists(path) { return ask("exists", [path]); },
  };
  const fs = {};
  const names = ownKeys(promises);
  for (let index = 0; index < names.length; index++) {
    const call = promises[names[index]];
    // What is wrong with the arguments is a rejection too.
    const method = { [names[index]](first, second, third) {
      try { return call(first, second, third); } catch (error) {
        return new Promise(function (resolve, reject) { reject(error); });
      }
    } };
    define(fs, names[index], method[names[index]], true);
  }

  function closed() { throw new TypeError("The file is closed."); }
  class FILE {
    #path; #reads; #writes; #appends; #position = 0; #isAtEnd = false; #isOpen = true;
    // Lines that were read ahead, each with the place where the next one begins.
    #lines = null; #line = 0;
    constructor(path, parts) {
      this.#path = path;
      this.#reads = parts[0];
      this.#writes = parts[1];
      this.#appends = parts[2];
      if (parts[2]) this.#position = parts[3];
    }
    static #allowed(file, isAllowed, what) {
      if (!file.#isOpen) closed();
      file.#lines = null;
      if (!isAllowed) throw new TypeError("The file was not opened for " + what + ".");
    }
    static #add(file, data) {
      const written = file.#appends
        ? askNow("append", [file.#path, data])
        : askNow("write", [file.#path, file.#position, data]);
      file.#position = written[1];
      return written[0];
    }
    puts(value) {
      FILE.#allowed(this, this.#writes, "writing");
      FILE.#add(this, text(value));
    }
    write(buffer, position = 0, length = undefined) {
      FILE.#allowed(this, this.#writes, "writing");
      const bytes = bytesOf(buffer);
      const end = length === undefined ? viewBytes(bytes) : position + length;
      return FILE.#add(this, part(bytes, position, end));
    }
    read(buffer, position = 0, length = undefined) {
      FILE.#allowed(this, this.#reads, "reading");
      let target = buffer;
      if (isView(buffer)) {
        target = viewTag(buffer) === undefined
          ? new Uint8Array(bufferOf(buffer), dataViewOffset(buffer), dataViewBytes(buffer))
          : new Uint8Array(bufferOf(buffer), viewOffset(buffer), viewBytes(buffer));
      } else target = new Uint8Array(buffer, 0, bufferBytes(buffer));
      const room = viewBytes(target) - position;
      const wanted = length === undefined ? room : length;
      if (!(position >= 0 && wanted >= 0 && wanted <= room)) throw new RangeError("The buffer has no such part.");
      const bytes = askNow("read", [this.#path, this.#position, wanted]);
      const count = viewBytes(bytes);
      setBytes(target, bytes, position);
      this.#position += count;
      if (count < wanted) this.#isAtEnd = true;
      return count;
    }
    readAsString(maximum = undefined) {
      FILE.#allowed(this, this.#reads, "reading");
      const result = askNow("readText", [this.#path, this.#position, maximum]);
      this.#position += result[1];
      if (maximum === undefined || result[1] < maximum) this.#isAtEnd = true;
      return result[0];
    }
    getline() {
      if (!this.#isOpen) closed();
      if (!this.#reads) FILE.#allowed(this, false, "reading");
      if (this.#lines === null || this.#line >= this.#lines.length) {
        this.#lines = askNow("lines", [this.#path, this.#position]);
        this.#line = 0;
        if (this.#lines.length === 0) {
          this.#lines = null;
          this.#isAtEnd = true;
          return null;
        }
      }
      const line = this.#lines[this.#line];
      this.#position = this.#lines[this.#line + 1];
      this.#line += 2;
      return line;
    }
    seek(offset, whence = 0) {
      FILE.#allowed(this, true, "");
      let start = 0;
      if (whence === 1) start = this.#position;
      else if (whence === 2) start = askNow("stat", [this.#path])[1];
      else if (whence !== 0) return -22;
      const position = start + Number(offset);
      if (!(position >= 0 && position <= 9007199254740991) || floor(position) !== position) return -22;
      this.#position = position;
      this.#isAtEnd = false;
      return 0;
    }
    tell() { if (!this.#isOpen) closed(); return this.#position; }
    eof() { if (!this.#isOpen) closed(); return this.#isAtEnd; }
    // Everything is with the host already.
    flush() { if (!this.#isOpen) closed(); }
    close() {
      if (!this.#isOpen) closed();
      this.#isOpen = false;
      this.#lines = null;
      return 0;
    }
  }
  function part(bytes, position, end) {
    const room = viewBytes(bytes);
    if (!(position >= 0 && position <= end && end <= room)) throw new RangeError("The buffer has no such part.");
    return position === 0 && end === room ? bytes : bytesOf(new Uint8Array(bufferOf(bytes), viewOffset(bytes) + position, end - position));
  }
  function errorNumber(error) {
    const number = typeof error === "object" && error !== null ? error.errno : undefined;
    if (typeof number !== "number") throw error;
    return -number;
  }
  const std = {
    SEEK_SET: 0,
    SEEK_CUR: 1,
    SEEK_END: 2,
    open(path, mode, errorObject = undefined) {
      const place = path;
      try { return new FILE(place, askNow("open", [place, mode === undefined ? "r" : mode])); } catch (error) {
        if (errorObject === undefined) throw error;
        errorObject.errno = errorNumber(error);
        return null;
      }
    },
    loadFile(path) {
      try { return askNow("readFile", [path, true]); } catch (error) {
        errorNumber(error);
        return null;
      }
    },
    exists(path) { return askNow("exists", [path]); },
  };
  function attempt(action, args) {
    try {
      askNow(action, args);
      return 0;
    } catch (error) { return -errorNumber(error); }
  }
  const os = {
    S_IFMT: 61440,
    S_IFDIR: 16384,
    S_IFREG: 32768,
    readdir(path) {
      try {
        return [entriesOf(askNow("readdir", [path, false]), function (name) { return name; }), 0];
      } catch (error) { return [[], errorNumber(error)]; }
    },
    stat(path) {
      try {
        const parts = askNow("stat", [path]);
        const time = parts[2];
        return [{ mode: parts[0] ? 16877 : 33188, size: parts[1], atime: time, mtime: time, ctime: time }, 0];
      } catch (error) { return [null, errorNumber(error)]; }
    },
    mkdir(path) { return attempt("mkdir", [path, false]); },
    remove(path) { return attempt("remove", [path]); },
    rename(from, to) { return attempt("rename", [from, to]); },
  };
  tag(FILE.prototype, "FILE");
  install("fs", fs);
  install("std", std);
  install("os", os);
`;
