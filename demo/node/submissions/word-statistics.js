// The three longest words, and how rich the vocabulary is.
const words = constants.text.toLowerCase().match(/[a-z]+/g);
const counts = new Map();
for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
const longest = [...counts.keys()].sort((left, right) => right.length - left.length).slice(0, 3);

export default { words: words.length, different: counts.size, longest };
