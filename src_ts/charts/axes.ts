/** Drawing axes: grid lines, labels and the names of what is shown. */

import { position, type Scale, type Tick, ticks } from './scale';
import type { Box } from './surface';
import type { ChartTheme } from './theme';

export interface AxesSpec {
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  readonly xName: string;
  readonly yName: string;
  readonly xTicks?: readonly Tick[];
  /** Only whole numbers have a meaning there. */
  readonly wholeX?: boolean;
}

export const LABEL_PX = 10.5;

export function clear(context: CanvasRenderingContext2D, width: number, height: number): void {
  context.clearRect(0, 0, width, height);
}

export function font(theme: ChartTheme, sizePx = LABEL_PX, weight = 400): string {
  return `${weight} ${sizePx}px ${theme.font}`;
}

/** The plot's box inside a canvas, with room for labels of the y axis. */
export function plotBox(
  context: CanvasRenderingContext2D,
  theme: ChartTheme,
  y: Scale,
  widthCss: number,
  heightCss: number,
): Box {
  context.font = font(theme);
  const labels = ticks(y, tickCount(heightCss - 40, 38));
  const widest = Math.max(14, ...labels.map((tick) => context.measureText(tick.label).width));
  return { left: Math.ceil(widest) + 12, top: 18, right: widthCss - 12, bottom: heightCss - 30 };
}

function tickCount(lengthCss: number, spacingCss: number): number {
  return Math.max(2, Math.floor(lengthCss / spacingCss));
}

export function drawAxes(
  context: CanvasRenderingContext2D,
  theme: ChartTheme,
  spec: AxesSpec,
): void {
  const { box, x, y } = spec;
  context.save();
  context.font = font(theme);
  context.lineWidth = 1;
  drawYTicks(context, theme, box, y);
  const own = ticks(x, tickCount(box.right - box.left, 62));
  const whole = spec.wholeX === true ? own.filter((tick) => Number.isInteger(tick.value)) : own;
  drawXTicks(context, theme, box, x, spec.xTicks ?? whole.map(relabelled(spec.wholeX === true)));
  context.strokeStyle = theme.faint;
  line(context, box.left, crisp(box.bottom), box.right, crisp(box.bottom));
  context.fillStyle = theme.muted;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'right';
  context.fillText(spec.xName, box.right, box.bottom + 25);
  context.textAlign = 'left';
  context.fillText(spec.yName, 2, 10);
  context.restore();
}

/** Whole numbers need no decimals. */
function relabelled(whole: boolean): (tick: Tick) => Tick {
  return (tick) => (whole && tick.value < 1e4 ? { ...tick, label: String(tick.value) } : tick);
}

function drawYTicks(
  context: CanvasRenderingContext2D,
  theme: ChartTheme,
  box: Box,
  y: Scale,
): void {
  const height = box.bottom - box.top;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const tick of ticks(y, tickCount(height, 38))) {
    const at = box.bottom - position(y, tick.value) * height;
    if (at < box.top - 1 || at > box.bottom + 1) continue;
    context.strokeStyle = theme.grid;
    line(context, box.left, crisp(at), box.right, crisp(at));
    context.fillStyle = theme.muted;
    context.fillText(tick.label, box.left - 6, at);
  }
}

function drawXTicks(
  context: CanvasRenderingContext2D,
  theme: ChartTheme,
  box: Box,
  x: Scale,
  list: readonly Tick[],
): void {
  const width = box.right - box.left;
  context.textBaseline = 'top';
  context.fillStyle = theme.muted;
  let free = Number.NEGATIVE_INFINITY;
  for (const tick of list) {
    const at = box.left + position(x, tick.value) * width;
    if (at < box.left - 1 || at > box.right + 1) continue;
    const half = context.measureText(tick.label).width / 2;
    const center = Math.min(at, box.right - half);
    if (center - half < free) continue;
    context.textAlign = 'center';
    context.fillText(tick.label, center, box.bottom + 5);
    free = center + half + 6;
  }
}

export function line(
  context: CanvasRenderingContext2D,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** The middle of a pixel, where a line of one pixel is sharp. */
export function crisp(value: number): number {
  return Math.round(value) + 0.5;
}

/** Text with a halo of the surface's colour, readable over lines. */
export function haloText(
  context: CanvasRenderingContext2D,
  theme: ChartTheme,
  text: string,
  x: number,
  y: number,
): void {
  context.save();
  context.lineJoin = 'round';
  context.lineWidth = 3.5;
  context.strokeStyle = theme.surface;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
  context.restore();
}
