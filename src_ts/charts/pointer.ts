/** Pointer work on a plot: hovering, clicking, dragging a box, the wheel with a key held. */

import type { Box } from './surface';
import { inside } from './surface';

export interface DragBox {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface PlotActions {
  box(): Box | null;
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number, event: PointerEvent): void;
  /** While a box is dragged; null when it is given up. */
  dragging?(drag: DragBox | null): void;
  dragged?(drag: DragBox): void;
  /** `factor` below 1 zooms in. */
  wheel?(x: number, y: number, factor: number): void;
  reset?(): void;
}

const CLICK_PX = 4;

export function watchPointer(plot: HTMLElement, actions: PlotActions, signal: AbortSignal): void {
  let start: { x: number; y: number; id: number } | null = null;
  let isDrag = false;
  let pending: { x: number; y: number } | null = null;
  let request = 0;

  const at = (event: MouseEvent): { x: number; y: number } => {
    const bounds = plot.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };
  const clamp = (x: number, y: number): { x: number; y: number } => {
    const box = actions.box();
    if (box === null) return { x, y };
    return {
      x: Math.min(box.right, Math.max(box.left, x)),
      y: Math.min(box.bottom, Math.max(box.top, y)),
    };
  };
  const giveUp = (): void => {
    if (isDrag) actions.dragging?.(null);
    start = null;
    isDrag = false;
  };
  const move = (): void => {
    request = 0;
    if (pending === null) return;
    const { x, y } = pending;
    if (start !== null && actions.dragged !== undefined) {
      isDrag ||= Math.hypot(x - start.x, y - start.y) > CLICK_PX;
      if (isDrag) {
        const end = clamp(x, y);
        actions.dragging?.({ x0: start.x, y0: start.y, x1: end.x, y1: end.y });
        return;
      }
    }
    actions.hover(x, y);
  };

  plot.addEventListener(
    'pointermove',
    (event) => {
      pending = at(event);
      if (request === 0) request = requestAnimationFrame(move);
    },
    { signal },
  );
  plot.addEventListener(
    'pointerleave',
    () => {
      pending = null;
      if (start === null) actions.leave();
    },
    { signal },
  );
  plot.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      const { x, y } = at(event);
      const box = actions.box();
      start = { x, y, id: event.pointerId };
      if (box !== null && inside(box, x, y)) plot.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  plot.addEventListener(
    'pointerup',
    (event) => {
      if (start === null) return;
      const end = at(event);
      const far = Math.hypot(end.x - start.x, end.y - start.y) > CLICK_PX;
      if (far && actions.dragged !== undefined) {
        const to = clamp(end.x, end.y);
        actions.dragging?.(null);
        actions.dragged({ x0: start.x, y0: start.y, x1: to.x, y1: to.y });
      } else if (!far) actions.click(end.x, end.y, event);
      start = null;
      isDrag = false;
    },
    { signal },
  );
  plot.addEventListener('pointercancel', giveUp, { signal });
  plot.addEventListener('dblclick', () => actions.reset?.(), { signal });
  plot.addEventListener(
    'wheel',
    (event) => {
      // A plain wheel scrolls the notebook.
      if (actions.wheel === undefined || !(event.ctrlKey || event.metaKey || event.shiftKey))
        return;
      event.preventDefault();
      const { x, y } = at(event);
      const delta = event.deltaY === 0 ? event.deltaX : event.deltaY;
      actions.wheel(x, y, Math.exp(Math.sign(delta) * 0.18));
    },
    { signal, passive: false },
  );
  plot.addEventListener(
    'keydown',
    (event) => {
      if (event.key === 'Escape' && isDrag) giveUp();
      if (event.key === '0') actions.reset?.();
    },
    { signal },
  );
  signal.addEventListener('abort', () => cancelAnimationFrame(request), { once: true });
}
