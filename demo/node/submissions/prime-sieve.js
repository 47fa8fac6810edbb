// How many primes lie below half a million?
const limit = 500_000;
const composite = new Uint8Array(limit);
let count = 0;
for (let candidate = 2; candidate < limit; candidate++) {
  if (composite[candidate]) continue;
  count++;
  for (let multiple = candidate * candidate; multiple < limit; multiple += candidate) {
    composite[multiple] = 1;
  }
}

export default count;
