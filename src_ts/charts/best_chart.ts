/** The best value so far, by time, trials or reports; edits of the run are flags. */

import { h } from '../dom/dom';
import type { Flag, TrialId } from '../protocol/messages';
import { formatDuration, formatNumber } from '../state/format';
import { mainMetric, type RunState, trialsOf, tunerTimeNow } from '../state/run';
import { clear, crisp, drawAxes, font, haloText, line, plotBox } from './axes';
import { type BestBy, bestX, countAt, extentOf, flagText, steps } from './best_geometry';
import { Card, type DataTable, Segmented } from './card';
import type { ViewContext } from './context';
import type { Project } from './curves_geometry';
import { watchPointer } from './pointer';
import { type Extent, grow, projector, robustExtent, scaleFor } from './scale';
import { type Box, type Frame, Surface } from './surface';
import { configLines, tipLine, trialTitle } from './tip';

interface Picture {
  readonly box: Box;
  readonly projectX: Project;
  readonly projectY: Project;
  readonly flags: readonly { readonly flag: Flag; readonly x: number }[];
}

export class BestChart {
  readonly root: HTMLElement;
  private readonly card: Card;
  private readonly surface: Surface;
  private readonly by: Segmented<BestBy>;
  private xExtent: Extent | null = null;
  private yExtent: Extent | null = null;
  private key = '';
  private picture: Picture | null = null;

  constructor(
    private readonly context: ViewContext,
    private readonly open: (trial: TrialId) => void,
  ) {
    const { signal, state, ui, theme } = context;
    this.card = new Card('best', 'Best so far', () => this.table(), signal);
    this.by = new Segmented<BestBy>(
      'Best value by',
      [
        ['time', 'time'],
        ['trials', 'trials'],
        ['reports', 'reports'],
      ],
      (bestBy) => ui.update({ bestBy }),
      signal,
    );
    this.card.tools.append(this.by.root);
    this.root = this.card.root;
    this.surface = new Surface(this.card.plot, 1, (frame) => this.draw(frame), signal);
    state.subscribe(() => {
      this.card.refreshTable();
      this.surface.invalidate();
    }, signal);
    ui.subscribe(() => this.surface.invalidate(), signal);
    theme.subscribe(() => this.surface.invalidate(), signal);
    watchPointer(
      this.card.plot,
      {
        box: () => this.picture?.box ?? null,
        hover: (x) => this.hover(x),
        leave: () => this.card.hideTip(),
        click: (x) => {
          const trial = this.bestAt(x)?.trial;
          if (trial !== undefined) this.open(trial);
        },
      },
      signal,
    );
  }

  private draw(frame: Frame): void {
    const { state, ui, theme } = this.context;
    const [context] = frame.layers;
    if (context === undefined) return;
    const run = state.value;
    clear(context, frame.widthCss, frame.heightCss);
    if (run === null || run.best.length === 0) {
      this.card.setNote(run === null ? 'Waiting for the run …' : 'No value yet.');
      this.picture = null;
      return;
    }
    this.card.setNote(null);
    const by = ui.value.bestBy;
    this.by.set(by);
    const metric = mainMetric(run.header);
    const key = `${run.run}|${by}|${ui.value.logY}`;
    if (key !== this.key) {
      this.key = key;
      this.xExtent = null;
      this.yExtent = null;
    }
    const nowX = this.nowX(run, by);
    const trials = this.trialDots(run, by);
    const values = [...run.best.map((point) => point.value), ...trials.map(([, value]) => value)];
    this.xExtent = grow(this.xExtent, { min: 0, max: Math.max(nowX, 1) }, 0.15);
    if (this.xExtent !== null) this.xExtent = { min: 0, max: this.xExtent.max };
    this.yExtent = grow(this.yExtent, robustExtent(Float64Array.from(values), metric.mode), 0.1);
    const x = scaleFor('linear', this.xExtent);
    const y = scaleFor(ui.value.logY ? 'log' : 'linear', this.yExtent);
    const box = plotBox(context, theme.value, y, frame.widthCss, frame.heightCss);
    const xName = by === 'time' ? 'time, s' : by;
    drawAxes(context, theme.value, {
      box,
      x,
      y,
      xName,
      yName: metric.name,
      wholeX: by !== 'time',
    });
    const projectX = projector(x, box.left, box.right);
    const projectY = projector(y, box.bottom, box.top);
    const flags = run.flags.map((flag) => ({ flag, x: projectX(this.flagX(run, flag, by)) }));
    this.picture = { box, projectX, projectY, flags };
    context.save();
    context.beginPath();
    context.rect(box.left - 3, box.top - 6, box.right - box.left + 6, box.bottom - box.top + 8);
    context.clip();
    this.drawDots(context, trials);
    this.drawFlags(context, flags);
    this.drawSteps(context, run, by, nowX);
    context.restore();
    this.drawLabel(context, run, by);
    this.describe(run);
  }

  private drawDots(
    context: CanvasRenderingContext2D,
    trials: readonly (readonly [number, number])[],
  ): void {
    if (this.picture === null) return;
    const { projectX, projectY } = this.picture;
    context.fillStyle = this.context.theme.value.muted;
    context.globalAlpha = trials.length > 200 ? 0.25 : 0.45;
    for (const [x, value] of trials) {
      context.beginPath();
      context.arc(projectX(x), projectY(value), 1.8, 0, Math.PI * 2);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  private drawFlags(context: CanvasRenderingContext2D, flags: Picture['flags']): void {
    if (this.picture === null) return;
    const { box } = this.picture;
    const theme = this.context.theme.value;
    for (const { x } of flags) {
      context.strokeStyle = theme.accent;
      context.fillStyle = theme.accent;
      context.lineWidth = 1;
      context.setLineDash([3, 3]);
      line(context, crisp(x), box.top, crisp(x), box.bottom);
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(crisp(x), box.top - 4);
      context.lineTo(crisp(x) + 9, box.top);
      context.lineTo(crisp(x), box.top + 4);
      context.fill();
    }
  }

  private drawSteps(
    context: CanvasRenderingContext2D,
    run: RunState,
    by: BestBy,
    nowX: number,
  ): void {
    if (this.picture === null) return;
    const { projectX, projectY } = this.picture;
    context.strokeStyle = this.context.theme.value.text;
    context.lineWidth = 2.5;
    context.lineJoin = 'round';
    context.beginPath();
    for (const [i, [x, value]] of steps(run.best, by, nowX).entries()) {
      if (i === 0) context.moveTo(projectX(x), projectY(value));
      else context.lineTo(projectX(x), projectY(value));
    }
    context.stroke();
  }

  private drawLabel(context: CanvasRenderingContext2D, run: RunState, by: BestBy): void {
    const last = run.best.at(-1);
    if (this.picture === null || last === undefined) return;
    const { box, projectX, projectY } = this.picture;
    const theme = this.context.theme.value;
    const text = formatNumber(last.value, 4);
    const y = projectY(last.value);
    context.font = font(theme, 11, 600);
    context.fillStyle = theme.text;
    context.textAlign = 'right';
    context.textBaseline = 'alphabetic';
    const x = Math.min(box.right, Math.max(projectX(this.nowX(run, by)), box.left + 50));
    haloText(context, theme, text, x, y - 7 < box.top ? y + 16 : y - 7);
  }

  private nowX(run: RunState, by: BestBy): number {
    if (by === 'time') return tunerTimeNow(run, performance.now());
    return by === 'trials' ? run.nTrials : run.header.numReports;
  }

  private flagX(run: RunState, flag: Flag, by: BestBy): number {
    if (by === 'time') return flag.t;
    const times =
      by === 'trials'
        ? trialsOf(run).map((row) => row.started ?? 0)
        : [...run.curves.all()].flatMap((curve) => [...curve.time.subarray(0, curve.n)]);
    return countAt(
      times.sort((a, b) => a - b),
      flag.t,
    );
  }

  /** Each trial at its own best. */
  private trialDots(run: RunState, by: BestBy): (readonly [number, number])[] {
    const dots: (readonly [number, number])[] = [];
    if (by === 'reports') return dots;
    for (const row of run.trials) {
      if (row?.best === null || row?.best === undefined) continue;
      const curve = run.curves.get(row.id);
      const at = row.ended ?? curve?.time[curve.n - 1] ?? row.started ?? 0;
      dots.push([by === 'time' ? at : row.id + 1, row.best]);
    }
    return dots;
  }

  private bestAt(x: number): RunState['best'][number] | undefined {
    const run = this.context.state.value;
    if (run === null || this.picture === null) return undefined;
    const { projectX } = this.picture;
    const by = this.context.ui.value.bestBy;
    return run.best.findLast((point) => projectX(bestX(point, by)) <= x + 1) ?? run.best[0];
  }

  private hover(x: number): void {
    const run = this.context.state.value;
    const point = this.bestAt(x);
    if (run === null || point === undefined || this.picture === null) {
      this.card.hideTip();
      return;
    }
    const near = this.picture.flags.filter((one) => Math.abs(one.x - x) < 7);
    if (near.length > 0) {
      const lines = near.map(({ flag }) => tipLine(formatDuration(flag.t), flagText(flag)));
      this.card.showTip(x, this.picture.box.top + 12, ...lines);
      return;
    }
    const row = run.trials[point.trial];
    this.card.showTip(
      x,
      this.picture.projectY(point.value),
      row === undefined ? null : trialTitle(row),
      tipLine(mainMetric(run.header).name, formatNumber(point.value, 5)),
      tipLine('found at', formatDuration(point.time)),
      row === undefined ? null : h('hr'),
      ...(row === undefined ? [] : configLines(run, row)),
    );
  }

  private describe(run: RunState): void {
    const last = run.best.at(-1);
    const extent = extentOf(run.best.map((point) => point.value));
    if (last === undefined || extent === null) return;
    this.card.plot.setAttribute(
      'aria-label',
      `Best so far: ${formatNumber(last.value, 4)} by trial ${last.trial}, found at ` +
        `${formatDuration(last.time)}, after ${run.best.length} improvements`,
    );
  }

  private table(): DataTable {
    const run = this.context.state.value;
    if (run === null) return { caption: 'No data yet', head: [], rows: [] };
    const improvements = run.best.map((point): [number, string[]] => [
      point.time,
      [formatDuration(point.time), formatNumber(point.value, 5), `trial ${point.trial}`],
    ]);
    const flags = run.flags.map((flag): [number, string[]] => [
      flag.t,
      [formatDuration(flag.t), '', flagText(flag)],
    ]);
    const rows = [...improvements, ...flags].sort(([a], [b]) => a - b).map(([, row]) => row);
    return {
      caption: 'Improvements and changes of the run',
      head: ['time', mainMetric(run.header).name, ''],
      rows,
    };
  }
}
