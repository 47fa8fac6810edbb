// Not an Error, and it lies about what it is.
throw { code: "EACCES", message: "trust me", toString: () => "harmless" };
