// A progressive tax, exact to the cent: amounts are BigInts of cents.
const brackets = [
  { from: 0n, percent: 0n },
  { from: 12_000_00n, percent: 20n },
  { from: 40_000_00n, percent: 35n },
  { from: 90_000_00n, percent: 45n },
];

function tax(income) {
  let total = 0n;
  for (const [index, { from, percent }] of brackets.entries()) {
    const to = brackets[index + 1]?.from ?? income;
    const share = (income < to ? income : to) - from;
    if (share > 0n) total += (share * percent) / 100n;
  }
  return total;
}

export default { income: 104_250_00n, tax: tax(104_250_00n) };
