// Takes memory until there is none left.
const hoard = [];
for (let size = 1; ; size++) hoard.push(new Uint8Array(2 ** 20).fill(size));

export default hoard.length;
