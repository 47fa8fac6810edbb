/** Guest source: atob, btoa. */
export const BASE64: string = /* js */ `
  install("atob", function atob(data) {
    need(arguments.length, 1);
    const result = platform("base64.decode", [plainText(data)]);
    if (result === null) throw new DOMException("The string to be decoded is not correctly encoded.", "InvalidCharacterError");
    return result;
  });
  install("btoa", function btoa(data) {
    need(arguments.length, 1);
    const result = platform("base64.encode", [plainText(data)]);
    if (result === null) {
      throw new DOMException("The string to be encoded contains characters outside of the Latin1 range.", "InvalidCharacterError");
    }
    return result;
  });
`;
