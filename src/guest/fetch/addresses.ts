/**
 * Which IP addresses are the public internet's. What cannot be read as an address is not; neither
 * is an address that stands for another one that is not.
 */

/** Blocks of IPv4 that are not public, by the registry of special-purpose addresses. */
const PRIVATE_IPV4: readonly [network: string, prefixBits: number][] = [
  ["0.0.0.0", 8], // "this" network: most systems connect to themselves
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // carrier-grade NAT
  ["127.0.0.0", 8], // loopback
  ["168.63.129.16", 32], // the host of Azure's virtual machines
  ["169.254.0.0", 16], // link-local; the metadata of clouds
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // relays of 6to4
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, and broadcast
];

/** Blocks inside 2000::/3 that are not public; nothing outside it is. */
const PRIVATE_IPV6: readonly [network: readonly number[], prefixBits: number][] = [
  [[0x2001, 0x0000], 23], // protocol assignments: Teredo, ORCHID, benchmarks
  [[0x2001, 0x0db8], 32], // documentation
  [[0x3fff, 0x0000], 20], // documentation
];

/** Whether an address, as name resolution gives it, is the public internet's. */
export function isPublicAddress(address: string): boolean {
  const ipv4 = parseIpv4(address);
  if (ipv4 !== undefined) return isPublicIpv4(ipv4);
  const groups = parseIpv6(address);
  return groups !== undefined && isPublicIpv6(groups);
}

/** The address in a URL's host, which the URL parser has brought into its one form; or undefined. */
export function addressInHost(hostname: string): string | undefined {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return parseIpv4(hostname) === undefined ? undefined : hostname;
}

function isPublicIpv4(address: number): boolean {
  return !PRIVATE_IPV4.some(([network, prefixBits]) => {
    const size = 2 ** (32 - prefixBits);
    const first = parseIpv4(network) ?? 0;
    return address >= first && address < first + size;
  });
}

function isPublicIpv6(groups: readonly number[]): boolean {
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return isPublicIpv4(embedded);
  if (!hasPrefix(groups, [0x2000], 3)) return false;
  return !PRIVATE_IPV6.some(([network, prefixBits]) => hasPrefix(groups, network, prefixBits));
}

/** The IPv4 address that a mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96) or 6to4 (2002::/16) one leads to. */
function embeddedIpv4(groups: readonly number[]): number | undefined {
  const pair = (at: number): number => (groups[at] ?? 0) * 65_536 + (groups[at + 1] ?? 0);
  if (hasPrefix(groups, [0, 0, 0, 0, 0, 0xffff], 96)) return pair(6);
  if (hasPrefix(groups, [0x64, 0xff9b, 0, 0, 0, 0], 96)) return pair(6);
  if (groups[0] === 0x2002) return pair(1);
  return undefined;
}

function hasPrefix(
  groups: readonly number[],
  network: readonly number[],
  prefixBits: number,
): boolean {
  for (let at = 0; at * 16 < prefixBits; at++) {
    const ignored = Math.max(0, 16 - (prefixBits - at * 16));
    if ((groups[at] ?? 0) >>> ignored !== (network[at] ?? 0) >>> ignored) return false;
  }
  return true;
}

/** Four decimal numbers only: other spellings are what URL parsers and resolvers undo. */
function parseIpv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((address, part) => address * 256 + part, 0);
}

/** Eight groups of 16 bits. */
function parseIpv6(text: string): number[] | undefined {
  // Resolvers name the network interface of link-local addresses behind the address.
  const address = expandIpv4Tail(text.replace(/%.*$/, ""));
  const halves = address?.split("::") ?? [];
  if (halves.length < 1 || halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}

/** `::ffff:127.0.0.1` in groups only. */
function expandIpv4Tail(text: string): string | undefined {
  const dotted = /^(.*:)([^:]*\..*)$/.exec(text);
  if (!dotted) return text;
  const [, head = "", tail = ""] = dotted;
  const ipv4 = parseIpv4(tail);
  if (ipv4 === undefined) return undefined;
  return `${head}${Math.floor(ipv4 / 65_536).toString(16)}:${(ipv4 % 65_536).toString(16)}`;
}
