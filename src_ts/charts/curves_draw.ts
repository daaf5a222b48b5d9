/** Drawing the learning curves: a base of all that rest, and above it the few that matter now. */

import type { TrialRow } from '../protocol/messages';
import type { Curve } from '../state/curves';
import { formatNumber } from '../state/format';
import { shownStatus } from '../state/sentences';
import { font, haloText } from './axes';
import {
  type CurveStyle,
  columnsOf,
  type Project,
  styleOf,
  thinned,
  traceCurve,
} from './curves_geometry';
import type { Box } from './surface';
import type { ChartTheme } from './theme';

export interface CurvePlot {
  readonly box: Box;
  readonly projectX: Project;
  readonly projectY: Project;
  readonly metric: number;
  readonly xAxis: 'resource' | 'time';
  readonly theme: ChartTheme;
}

const PAUSE_GAP_PX = 7;

/** Dashes cost software renderers dear; from here on, paused curves are told by colour alone. */
const MAX_DASHED = 250;

/** Opacity of thin lines: fewer curves may be stronger. */
export function restOpacity(nCurves: number): number {
  if (nCurves <= 12) return 0.85;
  return Math.max(0.22, 0.85 * (12 / nCurves) ** 0.32);
}

function colour(theme: ChartTheme, style: CurveStyle): string {
  return theme[style];
}

/** Strokes the reports `from` to `to` of one curve in the present style of the context. */
export function strokeCurve(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  curve: Curve,
  from: number,
  to: number,
): void {
  const columns = columnsOf(curve, plot.metric, plot.xAxis);
  if (columns === null) return;
  context.beginPath();
  const width = plot.box.right - plot.box.left;
  const kept = from === 0 ? thinned(columns, to, width, plot.projectX) : null;
  if (kept === null) {
    traceCurve(curve, columns, from, to, plot.projectX, plot.projectY, context, gapOf(plot));
  } else {
    const pick = {
      trial: curve.trial,
      n: kept.length,
      run: Int32Array.from(kept, (i) => curve.run[i] ?? 0),
      time: curve.time,
      resource: curve.resource,
      metrics: [],
    };
    const few = {
      x: Float64Array.from(kept, (i) => columns.x[i] ?? Number.NaN),
      y: Float64Array.from(kept, (i) => columns.y[i] ?? Number.NaN),
    };
    traceCurve(pick, few, 0, kept.length, plot.projectX, plot.projectY, context, gapOf(plot));
  }
  context.stroke();
}

/** A pause is a whole gap in time, and a small one between two neighbouring epochs. */
function gapOf(plot: CurvePlot): number {
  return plot.xAxis === 'time' ? Number.POSITIVE_INFINITY : PAUSE_GAP_PX;
}

/** Sets the style of curves at rest. */
export function restStyle(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  style: CurveStyle,
  opacity: number,
  dashed: boolean,
): void {
  context.strokeStyle = colour(plot.theme, style);
  context.globalAlpha = style === 'stopped' ? opacity * 0.75 : opacity;
  context.lineWidth = 1;
  context.setLineDash(dashed && style === 'paused' ? [4, 3] : []);
}

export function clipTo(context: CanvasRenderingContext2D, box: Box): void {
  context.beginPath();
  context.rect(box.left - 2, box.top - 4, box.right - box.left + 4, box.bottom - box.top + 4);
  context.clip();
}

export function mayDash(nCurves: number): boolean {
  return nCurves <= MAX_DASHED;
}

export interface Highlights {
  readonly running: readonly Curve[];
  /** Running, but left out by the filter. */
  readonly dimmed: readonly Curve[];
  readonly selected: readonly Curve[];
  readonly hovered: Curve | null;
  readonly hoveredIndex: number | null;
  readonly best: Curve | null;
  readonly bestValue: number | null;
  trial(id: number): TrialRow | undefined;
}

/** Draws the upper layer anew: running, selected, best and hovered curves. */
export function drawHighlights(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  marks: Highlights,
): void {
  const { theme } = plot;
  context.save();
  clipTo(context, plot.box);
  context.lineJoin = 'round';
  context.strokeStyle = theme.running;
  context.lineWidth = 1.5;
  context.globalAlpha = 0.18;
  for (const curve of marks.dimmed) strokeCurve(context, plot, curve, 0, curve.n);
  context.globalAlpha = 1;
  for (const curve of marks.running) strokeCurve(context, plot, curve, 0, curve.n);
  for (const curve of marks.running) drawHead(context, plot, curve, theme.running, 2.6);
  if (marks.best !== null) strong(context, plot, marks.best, theme.text, 2.5);
  for (const curve of marks.selected)
    strong(context, plot, curve, styleColour(plot, marks, curve), 2.5);
  if (marks.hovered !== null) {
    strong(context, plot, marks.hovered, styleColour(plot, marks, marks.hovered), 2.5);
    drawPoint(context, plot, marks.hovered, marks.hoveredIndex ?? marks.hovered.n - 1);
  }
  context.restore();
  if (marks.best !== null) drawBestLabel(context, plot, marks.best, marks.bestValue);
}

function styleColour(plot: CurvePlot, marks: Highlights, curve: Curve): string {
  const row = marks.trial(curve.trial);
  return colour(plot.theme, row === undefined ? 'completed' : styleOf(shownStatus(row)));
}

/** A thick line over a halo, joined across pauses by dots. */
function strong(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  curve: Curve,
  stroke: string,
  widthCss: number,
): void {
  context.save();
  context.strokeStyle = plot.theme.surface;
  context.lineWidth = widthCss + 2.5;
  context.globalAlpha = 0.8;
  strokeCurve(context, plot, curve, 0, curve.n);
  context.globalAlpha = 1;
  context.strokeStyle = stroke;
  joinPauses(context, plot, curve);
  context.lineWidth = widthCss;
  strokeCurve(context, plot, curve, 0, curve.n);
  context.restore();
}

function joinPauses(context: CanvasRenderingContext2D, plot: CurvePlot, curve: Curve): void {
  const columns = columnsOf(curve, plot.metric, plot.xAxis);
  if (columns === null || plot.xAxis !== 'time') return;
  context.save();
  context.setLineDash([1, 3]);
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 1; i < curve.n; i++) {
    if (curve.run[i] === curve.run[i - 1]) continue;
    context.moveTo(plot.projectX(columns.x[i - 1] ?? 0), plot.projectY(columns.y[i - 1] ?? 0));
    context.lineTo(plot.projectX(columns.x[i] ?? 0), plot.projectY(columns.y[i] ?? 0));
  }
  context.stroke();
  context.restore();
}

function drawHead(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  curve: Curve,
  fillStyle: string,
  radius: number,
): void {
  const columns = columnsOf(curve, plot.metric, plot.xAxis);
  if (columns === null || curve.n === 0) return;
  const x = plot.projectX(columns.x[curve.n - 1] ?? 0);
  const y = plot.projectY(columns.y[curve.n - 1] ?? 0);
  if (Number.isNaN(x) || Number.isNaN(y)) return;
  context.fillStyle = fillStyle;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}

function drawPoint(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  curve: Curve,
  index: number,
): void {
  const columns = columnsOf(curve, plot.metric, plot.xAxis);
  const x = plot.projectX(columns?.x[index] ?? Number.NaN);
  const y = plot.projectY(columns?.y[index] ?? Number.NaN);
  if (Number.isNaN(x) || Number.isNaN(y)) return;
  context.fillStyle = plot.theme.text;
  context.strokeStyle = plot.theme.surface;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 4, 0, Math.PI * 2);
  context.fill();
  context.stroke();
}

function drawBestLabel(
  context: CanvasRenderingContext2D,
  plot: CurvePlot,
  curve: Curve,
  value: number | null,
): void {
  const columns = columnsOf(curve, plot.metric, plot.xAxis);
  if (columns === null || curve.n === 0) return;
  const { box, theme } = plot;
  const x = plot.projectX(columns.x[curve.n - 1] ?? 0);
  const y = plot.projectY(columns.y[curve.n - 1] ?? 0);
  if (!(x >= box.left && x <= box.right && y >= box.top - 4 && y <= box.bottom)) return;
  const text =
    value === null ? `trial ${curve.trial}` : `trial ${curve.trial} · ${formatNumber(value, 4)}`;
  context.save();
  context.font = font(theme, 11, 600);
  context.fillStyle = theme.text;
  context.beginPath();
  context.arc(x, y, 3, 0, Math.PI * 2);
  context.fill();
  const width = context.measureText(text).width;
  const left = Math.max(box.left + 2, Math.min(x - width / 2, box.right - width));
  context.textBaseline = 'alphabetic';
  haloText(context, theme, text, left, y - 7 < box.top + 4 ? y + 16 : y - 7);
  context.restore();
}
