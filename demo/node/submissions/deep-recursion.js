// Calls itself for ever, and catches nothing.
const depth = (level) => 1 + depth(level + 1);

export default depth(0);
