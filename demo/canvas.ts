/** Canvases as sharp as the screen, in the colours of the style sheet. */
export interface Palette {
  ok: string;
  bad: string;
  open: string;
  lost: string;
  grid: string;
  text: string;
}

/** Read anew whenever the theme changes: a canvas knows no custom properties. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ok: colour("honey"),
    bad: colour("bad"),
    open: colour("open"),
    lost: colour("bad"),
    grid: colour("line"),
    text: colour("muted"),
  };
}

/** A canvas that follows the size it is given, with coordinates in CSS pixels. */
export class Surface {
  readonly context: CanvasRenderingContext2D;
  width = 0;
  height = 0;

  constructor(
    readonly canvas: HTMLCanvasElement,
    onResize: () => void,
  ) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("This browser draws no canvas.");
    this.context = context;
    new ResizeObserver(() => {
      this.#fit();
      onResize();
    }).observe(canvas);
    this.#fit();
  }

  clear(): void {
    this.context.clearRect(0, 0, this.width, this.height);
  }

  #fit(): void {
    const { canvas, context } = this;
    const ratio = devicePixelRatio;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
}
