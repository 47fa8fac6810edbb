// Node's modules are not on the allowlist: nothing is, unless the host puts it there.
import { readFileSync } from "node:fs";

export default readFileSync("/etc/passwd", "utf8");
