/** The lower layer of the learning curves: all that are at rest, drawn once and then added to. */

import type { TrialId } from '../protocol/messages';
import type { CurveBook } from '../state/curves';
import type { RowTest } from '../state/filter';
import type { RunState } from '../state/run';
import { resourceWord, shownStatus } from '../state/sentences';
import { clear, crisp, drawAxes, line } from './axes';
import type { CurveAxes } from './curves_axes';
import {
  type CurvePlot,
  clipTo,
  mayDash,
  restOpacity,
  restStyle,
  strokeCurve,
} from './curves_draw';
import { type CurveStyle, styleOf } from './curves_geometry';
import { position } from './scale';
import type { Frame } from './surface';

/** Opacity of curves that the filter of the table leaves out, of those that pass. */
export const DIMMED = 0.18;

const STYLES: readonly CurveStyle[] = ['stopped', 'paused', 'completed', 'failed'];

export class CurveBase {
  /** What the layer shows: how far each curve, and in which style. */
  private drawn = new Map<TrialId, { n: number; style: CurveStyle; dim: boolean }>();
  private book: CurveBook | null = null;
  private key = '';

  /** The layer was cleared by others. */
  forget(): void {
    this.key = '';
  }

  /** Draws only what is new, unless axes, size, theme or the style of a curve changed. */
  draw(
    base: CanvasRenderingContext2D,
    frame: Frame,
    run: RunState,
    axes: CurveAxes,
    plot: CurvePlot,
    metricName: string,
    passes: RowTest,
  ): void {
    const density = Math.ceil(Math.log2(run.curves.size + 1));
    const key = JSON.stringify([axes, plot.box, metricName, plot.xAxis, plot.theme, density]);
    const isOther = run.curves !== this.book || key !== this.key;
    if (frame.fresh || isOther || this.isRestyled(run, passes)) {
      this.drawn = new Map();
      clear(base, frame.widthCss, frame.heightCss);
      drawFrame(base, run, axes, plot, metricName);
    }
    this.book = run.curves;
    this.key = key;
    const opacity = restOpacity(run.curves.size);
    const dashed = mayDash(run.header.counts.Paused);
    base.save();
    clipTo(base, plot.box);
    for (const style of STYLES) {
      for (const dim of [true, false]) {
        restStyle(base, plot, style, dim ? opacity * DIMMED : opacity, dashed);
        this.drawStyle(base, run, plot, style, dim, passes);
      }
    }
    base.restore();
  }

  private drawStyle(
    base: CanvasRenderingContext2D,
    run: RunState,
    plot: CurvePlot,
    style: CurveStyle,
    dim: boolean,
    passes: RowTest,
  ): void {
    for (const curve of run.curves.all()) {
      const row = run.trials[curve.trial];
      if (row === undefined || styleOf(shownStatus(row)) !== style || passes(row) === dim) continue;
      const before = this.drawn.get(curve.trial)?.n ?? 0;
      if (before >= curve.n) continue;
      strokeCurve(base, plot, curve, Math.max(0, before - 1), curve.n);
      this.drawn.set(curve.trial, { n: curve.n, style, dim });
    }
  }

  private isRestyled(run: RunState, passes: RowTest): boolean {
    for (const [trial, { style, dim }] of this.drawn) {
      const row = run.trials[trial];
      if (row === undefined) continue;
      const now = styleOf(shownStatus(row));
      if ((now !== style && now !== 'running') || passes(row) === dim) return true;
    }
    return false;
  }
}

function drawFrame(
  base: CanvasRenderingContext2D,
  run: RunState,
  axes: CurveAxes,
  plot: CurvePlot,
  metricName: string,
): void {
  const { box, theme } = plot;
  const xName = plot.xAxis === 'time' ? 'time, s' : resourceWord(run.header);
  const wholeX = plot.xAxis === 'resource';
  drawAxes(base, theme, { box, x: axes.x, y: axes.y, xName, yName: metricName, wholeX });
  if (plot.xAxis === 'time') return;
  base.save();
  base.strokeStyle = theme.faint;
  base.setLineDash([2, 3]);
  for (const level of new Set(run.header.scheduler.rungLevels.flat())) {
    const at = position(axes.x, level);
    if (!(at >= 0 && at <= 1)) continue;
    const x = crisp(box.left + at * (box.right - box.left));
    line(base, x, box.top, x, box.bottom);
  }
  base.restore();
}
