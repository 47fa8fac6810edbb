import { describe, expect, test } from "vitest";
import { addressInHost, isPublicAddress } from "../../../src/guest/fetch/addresses.ts";

/** First and last address of each block that is not public, and their neighbours that are. */
const BLOCKS: [what: string, inside: string[], outside: string[]][] = [
  ["this network", ["0.0.0.0", "0.255.255.255"], ["1.0.0.0"]],
  ["private 10/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]],
  ["carrier-grade NAT", ["100.64.0.0", "100.127.255.255"], ["100.63.255.255", "100.128.0.0"]],
  ["loopback", ["127.0.0.0", "127.0.0.1", "127.255.255.255"], ["126.255.255.255", "128.0.0.0"]],
  ["Azure's host", ["168.63.129.16"], ["168.63.129.15", "168.63.129.17"]],
  [
    "link-local, metadata",
    ["169.254.0.0", "169.254.169.254", "169.254.255.255"],
    ["169.253.255.255", "169.255.0.0"],
  ],
  ["private 172.16/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]],
  ["protocol assignments", ["192.0.0.0", "192.0.0.255"], ["191.255.255.255", "192.0.1.0"]],
  ["documentation 1", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]],
  ["6to4 relays", ["192.88.99.0", "192.88.99.255"], ["192.88.98.255", "192.88.100.0"]],
  ["private 192.168/16", ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]],
  ["benchmarks", ["198.18.0.0", "198.19.255.255"], ["198.17.255.255", "198.20.0.0"]],
  ["documentation 2", ["198.51.100.0", "198.51.100.255"], ["198.51.99.255", "198.51.101.0"]],
  ["documentation 3", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]],
  ["multicast", ["224.0.0.0", "239.255.255.255"], ["223.255.255.255"]],
  ["reserved, broadcast", ["240.0.0.0", "255.255.255.255"], []],
  ["unspecified and loopback", ["::", "::1", "0:0:0:0:0:0:0:1"], []],
  ["IPv4-compatible", ["::127.0.0.1", "::8.8.8.8"], []],
  [
    "IPv4-mapped",
    ["::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:10.0.0.1", "0:0:0:0:0:ffff:a9fe:a9fe"],
    ["::ffff:8.8.8.8", "::ffff:808:808"],
  ],
  ["translated, without a prefix", ["::ffff:0:8.8.8.8"], []],
  ["NAT64", ["64:ff9b::127.0.0.1", "64:ff9b::a00:1"], ["64:ff9b::8.8.8.8"]],
  ["NAT64 for local use", ["64:ff9b:1::1", "64:ff9b:1:ffff::8.8.8.8"], []],
  ["discard", ["100::", "100::ffff"], []],
  ["Teredo and other assignments", ["2001::1", "2001:0:1::", "2001:1ff::"], ["2001:200::"]],
  ["documentation", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7::1", "2001:db9::1"]],
  [
    "6to4",
    ["2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "2002:a9fe:a9fe::"],
    ["2002:808:808::1"],
  ],
  ["documentation, new", ["3fff::", "3fff:fff::1"], ["3fff:1000::"]],
  ["segment routing", ["5f00::1"], []],
  ["unique local", ["fc00::", "fd00:ec2::254", "fdff:ffff::1"], []],
  ["link-local", ["fe80::1", "fe80::1%eth0", "febf::1"], []],
  ["site-local", ["fec0::1"], []],
  ["multicast", ["ff02::1", "ffff::"], []],
  ["outside of what is given out", ["1fff::1", "4000::1"], ["2000::1", "3ffe::1"]],
  ["public", [], ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:831::200e"]],
];

describe.each(BLOCKS)("%s", (_what, inside, outside) => {
  test.each(inside.map((address) => [address]))("%s is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  test.each(outside.map((address) => [address]))("%s is public", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

test.each([
  "",
  "localhost",
  "8.8.8",
  "8.8.8.8.8",
  "256.8.8.8",
  "0x8.8.8.8",
  " 8.8.8.8",
  "2606:4700",
  "2606::4700::1",
  "2606:4700:1:2:3:4:5:6:7",
  "2606:4700::1::",
  ":2606:4700:1:2:3:4:5",
  "2606:47000::1",
  "2606::8.8.8",
  "g::1",
])("what is no address is not public: %j", (text) => {
  expect(isPublicAddress(text)).toBe(false);
});

/** What URL parsers make of the spellings that filters are got around with. */
test.each([
  "http://127.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0x7f.0.0.1/",
  "http://0177.0.0.1/",
  "http://017700000001/",
  "http://127.0.0.1./",
  "http://127%2e0%2e0%2e1/",
  "http://①②⑦.⓪.⓪.①/",
  "http://0/",
  "http://0.0.0.0/",
  "http://[::]/",
  "http://[::1]/",
  "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[0:0:0:0:0:FFFF:127.0.0.1]/",
  "http://[64:ff9b::10.0.0.1]/",
  "http://[2002:7f00:1::]/",
  "http://[fe80::1]/",
  "http://169.254.169.254/latest/meta-data",
  "http://0xa9fea9fe/",
  "http://2852039166/",
])("%s is at a private address", (url) => {
  const address = addressInHost(new URL(url).hostname);
  expect(address).toBeDefined();
  expect(isPublicAddress(address ?? "8.8.8.8")).toBe(false);
});

test("names are no addresses", () => {
  expect(addressInHost("example.com")).toBe(undefined);
  expect(addressInHost("1.2.3.4.example.com")).toBe(undefined);
  expect(addressInHost("8.8.8.8")).toBe("8.8.8.8");
});
