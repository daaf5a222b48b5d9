/** Canvases that follow their size, the screen's resolution and whether anybody sees them. */

export interface Frame {
  readonly layers: readonly CanvasRenderingContext2D[];
  readonly widthCss: number;
  readonly heightCss: number;
  /** The canvases are empty: all has to be drawn again. */
  readonly fresh: boolean;
}

export class Surface {
  private readonly canvases: readonly HTMLCanvasElement[];
  private readonly contexts: readonly (CanvasRenderingContext2D | null)[];
  private request = 0;
  private onScreen = true;
  private fresh = true;
  private widthCss = 0;
  private heightCss = 0;

  /**
   * @param host element that is filled; its size is watched.
   * @param nLayers canvases above each other, the first lowest.
   * @param draw draws what changed; called in an animation frame, and only if visible.
   */
  constructor(
    private readonly host: HTMLElement,
    nLayers: number,
    private readonly draw: (frame: Frame) => void,
    signal: AbortSignal,
  ) {
    this.canvases = Array.from({ length: nLayers }, () => {
      const canvas = document.createElement('canvas');
      canvas.setAttribute('aria-hidden', 'true');
      host.append(canvas);
      return canvas;
    });
    this.contexts = this.canvases.map((canvas) => canvas.getContext('2d'));
    const size = new ResizeObserver(() => this.measure());
    size.observe(host);
    const seen = new IntersectionObserver((entries) => {
      this.onScreen = entries.at(-1)?.isIntersecting ?? true;
      if (this.onScreen) this.invalidate();
    });
    seen.observe(host);
    document.addEventListener('visibilitychange', () => this.invalidate(), { signal });
    signal.addEventListener(
      'abort',
      () => {
        size.disconnect();
        seen.disconnect();
        cancelAnimationFrame(this.request);
        this.request = 0;
      },
      { once: true },
    );
    this.measure();
  }

  get visible(): boolean {
    return this.onScreen && document.visibilityState !== 'hidden' && this.widthCss > 0;
  }

  /** Something changed: draw in the next frame, or when somebody looks again. */
  invalidate(): void {
    if (this.request !== 0 || !this.visible) return;
    this.request = requestAnimationFrame(() => this.frame());
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.host;
    if (clientWidth === this.widthCss && clientHeight === this.heightCss) return;
    this.widthCss = clientWidth;
    this.heightCss = clientHeight;
    this.fresh = true;
    this.invalidate();
  }

  private frame(): void {
    this.request = 0;
    if (!this.visible) return;
    const ratio = window.devicePixelRatio || 1;
    const widthDevice = Math.round(this.widthCss * ratio);
    const heightDevice = Math.round(this.heightCss * ratio);
    const layers: CanvasRenderingContext2D[] = [];
    for (const [i, canvas] of this.canvases.entries()) {
      const context = this.contexts[i];
      if (context === null || context === undefined) return;
      if (canvas.width !== widthDevice || canvas.height !== heightDevice) {
        canvas.width = widthDevice;
        canvas.height = heightDevice;
        this.fresh = true;
      }
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      layers.push(context);
    }
    const frame: Frame = {
      layers,
      widthCss: this.widthCss,
      heightCss: this.heightCss,
      fresh: this.fresh,
    };
    this.fresh = false;
    this.draw(frame);
  }
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function inside(box: Box, x: number, y: number): boolean {
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}
