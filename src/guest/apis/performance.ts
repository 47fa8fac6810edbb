/**
 * Guest source: performance.now, performance.timeOrigin. The clock is the host's and starts with
 * the run; its resolution is 100 microseconds.
 */
export const PERFORMANCE: string = /* js */ `
  const performance = {
    now() { return platform("clock.now", []); },
    get timeOrigin() { return platform("clock.origin", []); },
    toJSON() { return { timeOrigin: platform("clock.origin", []) }; },
  };
  tag(performance, "Performance");
  install("performance", performance);
`;
