/**
 * Guest source: structuredClone. The host reads the value out of the sandbox and puts it back in,
 * so what can be cloned is what can cross the wall.
 */
export const STRUCTURED_CLONE: string = /* js */ `
  const transferBuffer = uncurry(ArrayBuffer.prototype.transfer);
  install("structuredClone", function structuredClone(value, options = undefined) {
    need(arguments.length, 1);
    const listed = dictionary(options).transfer;
    const transfer = listed === undefined ? [] : listOf(listed);
    for (let index = 0; index < transfer.length; index++) {
      const buffer = transfer[index];
      let detached = true;
      try { detached = isDetached(buffer); } catch {
        throw new DOMException("Only ArrayBuffers can be transferred.", "DataCloneError");
      }
      for (let before = 0; before < index; before++) detached = detached || transfer[before] === buffer;
      if (detached) throw new DOMException("An ArrayBuffer is detached or listed twice.", "DataCloneError");
    }
    const result = platform("clone", [value]);
    if (result[0] !== undefined) throw new DOMException(result[0], "DataCloneError");
    for (let index = 0; index < transfer.length; index++) transferBuffer(transfer[index]);
    return result[1];
  });
`;
