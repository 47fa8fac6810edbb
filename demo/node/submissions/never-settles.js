// Waits for something that nobody will ever do.
export default await new Promise(() => {});
