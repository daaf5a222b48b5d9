/** Drawing the rungs. */

import { formatNumber, formatShort } from '../state/format';
import { RUNG_WORDS } from '../state/sentences';
import { crisp, drawAxes, font, haloText, line } from './axes';
import type { Dot, Hairline, RungBox, RungLayout } from './rungs_geometry';
import type { Scale } from './scale';
import type { Box } from './surface';
import type { ChartTheme } from './theme';

export interface RungPicture {
  readonly layout: RungLayout;
  readonly box: Box;
  readonly y: Scale;
  readonly metricName: string;
  readonly resourceName: string;
  readonly theme: ChartTheme;
  readonly bestTrial: number | null;
}

export function drawRungs(context: CanvasRenderingContext2D, picture: RungPicture): void {
  const { layout, box, theme } = picture;
  drawAxes(context, theme, {
    box,
    x: { kind: 'linear', min: 0, max: 1 },
    y: picture.y,
    xName: picture.resourceName,
    yName: '',
    xTicks: layout.columns.map((column) => ({
      value: (column.center - box.left) / (box.right - box.left),
      label: formatShort(column.level),
    })),
  });
  drawHeads(context, picture);
  context.font = font(theme);
  context.fillStyle = theme.muted;
  context.textAlign = 'left';
  context.fillText(picture.metricName, 2, box.bottom + 25);
  context.save();
  context.beginPath();
  context.rect(box.left - 2, box.top - 5, box.right - box.left + 4, box.bottom - box.top + 8);
  context.clip();
  drawLinks(context, layout.links, theme, layout.links.length > 200 ? 0.25 : 0.45);
  for (const column of layout.columns) drawCutoff(context, column, theme);
  for (const dot of layout.dots) drawDot(context, dot, layout.radius, theme);
  const best = layout.dots.findLast((dot) => dot.trial === picture.bestTrial);
  if (best !== undefined) ring(context, best, layout.radius + 2.5, theme.text, 1.5);
  context.restore();
}

function drawHeads(context: CanvasRenderingContext2D, picture: RungPicture): void {
  const { layout, box, theme } = picture;
  const width = (box.right - box.left) / Math.max(1, layout.columns.length);
  context.save();
  context.font = font(theme, 10.5);
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  const inOneLine = layout.columns.every(
    (column) => context.measureText(column.head.join(' · ')).width <= width - 6,
  );
  const lines = RUNG_WORDS.map((_, i) => i).filter(
    (i) => i < 2 || layout.columns.some((column) => (column.counts[i] ?? 0) > 0),
  );
  for (const column of layout.columns) {
    context.strokeStyle = theme.grid;
    line(context, crisp(column.center), box.top, crisp(column.center), box.bottom);
    context.fillStyle = theme.text;
    if (inOneLine) context.fillText(column.head.join(' · '), column.center, box.top - 8);
    else drawCounts(context, column, lines, box, theme);
  }
  if (!inOneLine) {
    context.textAlign = 'right';
    context.fillStyle = theme.muted;
    for (const [at, i] of lines.entries()) {
      context.fillText(RUNG_WORDS[i] ?? '', box.left - 4, headLine(box, at, lines.length));
    }
  }
  context.restore();
}

function headLine(box: Box, at: number, nLines: number): number {
  return box.top - 8 - (nLines - 1 - at) * 12;
}

/** The numbers alone, below each other, where words have no room. */
function drawCounts(
  context: CanvasRenderingContext2D,
  column: RungBox,
  lines: readonly number[],
  box: Box,
  theme: ChartTheme,
): void {
  for (const [at, i] of lines.entries()) {
    const count = column.counts[i] ?? 0;
    if (count === 0 && i > 0) continue;
    context.fillStyle = i === 0 ? theme.text : theme.muted;
    context.fillText(String(count), column.center, headLine(box, at, lines.length));
  }
}

function drawLinks(
  context: CanvasRenderingContext2D,
  links: readonly Hairline[],
  theme: ChartTheme,
  opacity: number,
): void {
  context.save();
  context.strokeStyle = theme.muted;
  context.globalAlpha = opacity;
  context.lineWidth = 0.75;
  for (const link of links) traceLink(context, link);
  context.restore();
}

function traceLink(context: CanvasRenderingContext2D, link: Hairline): void {
  const middle = (link.x0 + link.x1) / 2;
  context.beginPath();
  context.moveTo(link.x0, link.y0);
  context.bezierCurveTo(middle, link.y0, middle, link.y1, link.x1, link.y1);
  context.stroke();
}

function drawCutoff(context: CanvasRenderingContext2D, column: RungBox, theme: ChartTheme): void {
  if (column.cutoffY === null) return;
  const y = crisp(column.cutoffY);
  context.save();
  context.strokeStyle = theme.text;
  context.lineWidth = 1.25;
  line(context, column.center - column.halfWidth, y, column.center + column.halfWidth, y);
  context.restore();
}

function drawDot(
  context: CanvasRenderingContext2D,
  dot: Dot,
  radius: number,
  theme: ChartTheme,
): void {
  context.beginPath();
  context.lineWidth = 1.4;
  switch (dot.kind) {
    case 'paused':
      context.arc(dot.x, dot.y, radius - 0.4, 0, Math.PI * 2);
      context.fillStyle = theme.surface;
      context.strokeStyle = theme.paused;
      context.fill();
      context.stroke();
      return;
    case 'failed': {
      const r = radius * 0.85;
      context.strokeStyle = theme.failed;
      context.moveTo(dot.x - r, dot.y - r);
      context.lineTo(dot.x + r, dot.y + r);
      context.moveTo(dot.x + r, dot.y - r);
      context.lineTo(dot.x - r, dot.y + r);
      context.stroke();
      return;
    }
    case 'stopped':
      context.arc(dot.x, dot.y, radius * 0.6, 0, Math.PI * 2);
      context.fillStyle = theme.stopped;
      break;
    case 'passed':
      context.arc(dot.x, dot.y, radius * 0.72, 0, Math.PI * 2);
      context.fillStyle = theme.muted;
      break;
    case 'running':
      context.arc(dot.x, dot.y, radius + 0.4, 0, Math.PI * 2);
      context.fillStyle = theme.running;
      break;
    case 'completed':
      context.arc(dot.x, dot.y, radius, 0, Math.PI * 2);
      context.fillStyle = theme.completed;
      break;
  }
  context.fill();
}

function ring(
  context: CanvasRenderingContext2D,
  dot: Dot,
  radius: number,
  stroke: string,
  lineWidth: number,
): void {
  context.beginPath();
  context.arc(dot.x, dot.y, radius, 0, Math.PI * 2);
  context.strokeStyle = stroke;
  context.lineWidth = lineWidth;
  context.stroke();
}

/** The path of one trial through the rungs, over everything else. */
export function drawRungHighlight(
  context: CanvasRenderingContext2D,
  picture: RungPicture,
  trials: ReadonlySet<number>,
  focus: Dot | null,
): void {
  const { layout, theme } = picture;
  context.save();
  for (const trial of trials) {
    context.strokeStyle = theme.text;
    context.lineWidth = 1.5;
    for (const link of layout.links) if (link.trial === trial) traceLink(context, link);
    for (const dot of layout.dots) {
      if (dot.trial !== trial) continue;
      drawDot(context, dot, layout.radius, theme);
      ring(context, dot, layout.radius + 2, theme.text, 1.5);
    }
  }
  if (focus !== null) ring(context, focus, layout.radius + 4, theme.accent, 2);
  const column = focus === null ? undefined : layout.columns[Math.max(0, focus.column)];
  if (column?.cutoff !== null && column?.cutoff !== undefined && column.cutoffY !== null) {
    context.font = font(theme, 10.5, 600);
    context.fillStyle = theme.text;
    context.textAlign = 'center';
    haloText(
      context,
      theme,
      `cut ${formatNumber(column.cutoff, 4)}`,
      column.center,
      column.cutoffY - 4,
    );
  }
  context.restore();
}
