/** `skep serve`, as a process that is asked and ended. */
import { expect, it } from "vitest";
import { CALCULATOR } from "../deployments/started.ts";
import { Command, folderOf, skep } from "./command.ts";

it("serves deployments to who has the token, and stops when it is told to", async () => {
  const cwd = await folderOf({
    "calc/metacall.json": CALCULATOR["metacall.json"]!,
    "calc/calc.js": CALCULATOR["calc.js"]!,
    token: "hush-hush\n",
  });
  const command = new Command(
    [
      "serve",
      "--deploy",
      "calc",
      "--deploy",
      "other=calc",
      "--prefix",
      "here",
      "--token-file",
      "token",
      "--json",
    ],
    { cwd },
  );
  await command.until(/(.*\n){3}/);
  const [{ listening }, ...lines] = command.stdout
    .trim()
    .split("\n")
    .map((line): any => JSON.parse(line));
  const deployments: { address: string; functions: string[] }[] = lines.map(
    ({ deployed }) => deployed,
  );
  expect(deployments.map(({ address }) => address)).toEqual([
    `${listening}/here/calc/v1`,
    `${listening}/here/other/v1`,
  ]);
  expect(deployments[0]!.functions).toContain("sum");
  const call = (name: string, args: unknown[], token?: string): Promise<Response> =>
    fetch(`${deployments[0]!.address}/call/${name}`, {
      method: "POST",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: JSON.stringify(args),
    });
  expect((await call("sum", [1, 2])).status).toBe(401);
  expect((await call("sum", [1, 2], "hush")).status).toBe(401);
  expect(await (await call("sum", [1, 2], "hush-hush")).json()).toBe(3);
  expect((await fetch(`${listening}/elsewhere`)).status).toBe(404);

  const last = call("later", [300, "in time"], "hush-hush");
  const begun = Date.now();
  // Its headers are not there before its result: that it was begun is known by another's answer.
  await (await call("sum", [1, 2], "hush-hush")).json();
  command.signal("SIGTERM");
  expect(await (await last).json()).toBe("in time");
  const { code, stdout, stderr } = await command.ended;
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).not.toContain("hush");
  expect(Date.now() - begun).toBeLessThan(10_000);
});

it("refuses what it cannot serve, and is not open to others without a token", async () => {
  const cwd = await folderOf({ "empty/a.js": "", token: "two words" });
  const cases: [string[], number, RegExp][] = [
    [["--deploy", "absent"], 2, /cannot be read \(ENOENT\)/],
    [["--deploy", "empty"], 2, /Add a metacall\.json/],
    [["--host", "0.0.0.0"], 2, /give a --token-file/],
    [["--token-file", "nowhere"], 2, /nowhere cannot be read \(ENOENT\)/],
    [["--token-file", "token"], 2, /one line of visible ASCII/],
    [["--port", "65536"], 2, /--port must be a whole number/],
    [["calc"], 2, /Did you mean --deploy calc/],
    [["--deploy", "a", "--deploy", "b/a"], 2, /Two deployments are called "a"/],
  ];
  const ended = await Promise.all(cases.map(([args]) => skep(["serve", ...args], "", cwd)));
  for (const [index, { code, stdout, stderr }] of ended.entries()) {
    const [args, wanted, message] = cases[index]!;
    expect([args, code, stdout]).toEqual([args, wanted, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("two words");
  }
});

it("takes the token from the environment, and says where it listens", async () => {
  const command = new Command(["serve"], { env: { SKEP_TOKEN: "hush" } });
  const [, url] = await command.until(/Listening on (http:\/\/127\.0\.0\.1:\d+)\n/);
  const port = new URL(url!).port;
  const taken = await skep(["serve", "--port", port]);
  expect([taken.code, taken.stderr]).toEqual([4, expect.stringContaining("EADDRINUSE")]);
  command.signal("SIGINT");
  expect((await command.ended).code).toBe(0);
});

it("runs deployments on workers that join, and those leave when they are told to", async () => {
  const cwd = await folderOf({
    "calc/metacall.json": CALCULATOR["metacall.json"]!,
    "calc/calc.js": CALCULATOR["calc.js"]!,
    token: "hush-hush",
    wrong: "hush",
  });
  const server = new Command(
    [
      "serve",
      "--environment",
      "remote",
      "--deploy",
      "calc",
      "--prefix",
      "here",
      "--token-file",
      "token",
    ],
    { cwd },
  );
  const [, port] = await server.until(/Listening on http:\/\/127\.0\.0\.1:(\d+)\n/);
  const url = `ws://127.0.0.1:${port}`;
  const refused = await skep(["worker", "--connect", url, "--token-file", "wrong"], "", cwd);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toMatch(/token/i);

  const worker = new Command(
    ["worker", "--connect", url, "--token-file", "token", "--workers", "2", "--name", "helper"],
    { cwd },
  );
  const [, address] = await server.until(/ {2}(http.*\/call\/)/);
  const response = await fetch(`${address}sum`, {
    method: "POST",
    headers: { authorization: "Bearer hush-hush" },
    body: "[1, 2]",
  });
  expect(await response.json()).toBe(3);
  worker.signal("SIGTERM");
  const { code, stdout, stderr } = await worker.ended;
  expect([code, stdout]).toEqual([0, `Joined ${url} as "helper", lending 2 workers.\n`]);
  expect(stdout + stderr).not.toContain("hush");
  server.signal("SIGTERM");
  expect((await server.ended).code).toBe(0);
});

it("a worker is given wrongly", async () => {
  const cases: [string[], RegExp][] = [
    [[], /--connect/],
    [["--connect", "http://127.0.0.1:1"], /ws/],
    [["--connect", "nonsense"], /nonsense|URL/],
    [["--connect", "ws://127.0.0.1:1", "--workers", "0"], /--workers must be/],
  ];
  const ended = await Promise.all(cases.map(([args]) => skep(["worker", ...args])));
  for (const [index, { code, stderr }] of ended.entries()) {
    expect([cases[index]![0], code]).toEqual([cases[index]![0], 2]);
    expect(stderr).toMatch(cases[index]![1]);
  }
});
