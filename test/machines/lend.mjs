// A machine of its own: joins the server it is told, and ends with the test that has started it.
import process from "node:process";
import { joinServer } from "skep/remote-worker";

const joined = joinServer(JSON.parse(process.argv[2] ?? "{}"));
joined.on((event) => process.send?.(event));
process.on("disconnect", () => process.exit());
const error = await joined.closed;
if (error !== undefined) process.send?.({ type: "refused", message: error.message });
if (process.connected) process.disconnect();
