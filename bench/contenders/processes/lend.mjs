// A machine of its own: lends one worker to the server it is told.
import process from "node:process";
import { joinServer } from "../../../dist/facades/remote-worker/index.node.js";

joinServer({ url: process.argv[2] ?? "", workers: 1 });
process.on("disconnect", () => process.exit());
