/** The learning curves of all trials. */

import type { TrialId } from '../protocol/messages';
import type { Curve } from '../state/curves';
import { FilterKeeper } from '../state/filter_keeper';
import { formatNumber } from '../state/format';
import { mainMetric, type RunState } from '../state/run';
import { shownStatus } from '../state/sentences';
import { clear, crisp, plotBox } from './axes';
import { Card } from './card';
import type { ViewContext } from './context';
import { AxesKeeper, type CurveAxes, shownMetric, shownX } from './curves_axes';
import { CurveBase } from './curves_base';
import { type CurvePlot, drawHighlights } from './curves_draw';
import { nearestCurve, styleOf } from './curves_geometry';
import { curvesTable } from './curves_table';
import { CurveTools } from './curves_tools';
import { type DragBox, watchPointer } from './pointer';
import { projector } from './scale';
import { type Frame, Surface } from './surface';
import { reportLines } from './tip';

const HOVER_REACH_PX = 24;

export class CurvesChart {
  readonly root: HTMLElement;
  private readonly card: Card;
  private readonly surface: Surface;
  private readonly keeper = new AxesKeeper();
  private readonly tools: CurveTools;
  private axes: CurveAxes | null = null;
  private plot: CurvePlot | null = null;
  private drag: DragBox | null = null;
  private hoverIndex: number | null = null;
  private readonly base = new CurveBase();
  private readonly filter = new FilterKeeper();

  constructor(
    private readonly context: ViewContext,
    private readonly open: (trial: TrialId) => void,
  ) {
    const { signal, state, ui, theme } = context;
    this.card = new Card(
      'curves',
      'Learning curves',
      () => curvesTable(context.state.value, context.ui.value),
      signal,
    );
    this.tools = new CurveTools(context, () => this.reset());
    this.card.tools.append(this.tools.root);
    this.root = this.card.root;
    this.surface = new Surface(this.card.plot, 2, (frame) => this.draw(frame), signal);
    const changed = (): void => this.surface.invalidate();
    state.subscribe(() => {
      this.card.refreshTable();
      changed();
    }, signal);
    ui.subscribe(changed, signal);
    theme.subscribe(changed, signal);
    watchPointer(
      this.card.plot,
      {
        box: () => this.plot?.box ?? null,
        hover: (x, y) => this.hover(x, y),
        leave: () => this.leave(),
        click: (x, y, event) => this.click(x, y, event),
        dragging: (drag) => {
          this.drag = drag;
          this.leave();
          changed();
        },
        dragged: (drag) => this.zoom(drag),
        wheel: (x, y, factor) => this.zoomAt(x, y, factor),
        reset: () => this.reset(),
      },
      signal,
    );
    this.card.plot.addEventListener('keydown', (event) => this.key(event), { signal });
  }

  private draw(frame: Frame): void {
    const { state, ui, theme } = this.context;
    const [base, upper] = frame.layers;
    if (base === undefined || upper === undefined) return;
    const run = state.value;
    if (run === null || run.curves.nReports === 0) {
      clear(base, frame.widthCss, frame.heightCss);
      clear(upper, frame.widthCss, frame.heightCss);
      this.base.forget();
      this.card.setNote(run === null ? 'Waiting for the run …' : this.emptyNote(run));
      return;
    }
    this.card.setNote(null);
    this.tools.update(run, this.keeper.zoomed);
    const axes = this.keeper.axes(run, ui.value);
    const metric = shownMetric(run, ui.value);
    const box = plotBox(base, theme.value, axes.y, frame.widthCss, frame.heightCss);
    const plot: CurvePlot = {
      box,
      projectX: projector(axes.x, box.left, box.right),
      projectY: projector(axes.y, box.bottom, box.top),
      metric: metric.index,
      xAxis: shownX(run, ui.value),
      theme: theme.value,
    };
    this.axes = axes;
    this.plot = plot;
    this.base.draw(base, frame, run, axes, plot, metric.name, this.filter.test(run, ui.value));
    clear(upper, frame.widthCss, frame.heightCss);
    this.drawUpper(upper, run, plot, metric.name);
    this.describe(run, metric.name);
  }

  private emptyNote(run: RunState): string {
    if (run.nTrials === 0) return 'No trial has started yet.';
    if (run.header.counts.Failed === run.nTrials) return 'No trial has reported anything.';
    return 'Trials are running; none has reported yet.';
  }

  private drawUpper(
    upper: CanvasRenderingContext2D,
    run: RunState,
    plot: CurvePlot,
    metricName: string,
  ): void {
    const { ui } = this.context;
    const isMain = metricName === mainMetric(run.header).name;
    const best = run.best.at(-1);
    const curve = (id: TrialId | null): Curve | null =>
      id === null ? null : (run.curves.get(id) ?? null);
    const running: Curve[] = [];
    const dimmed: Curve[] = [];
    const passes = this.filter.test(run, ui.value);
    for (const row of run.trials) {
      if (row === undefined || styleOf(shownStatus(row)) !== 'running') continue;
      const found = run.curves.get(row.id);
      if (found !== undefined) (passes(row) ? running : dimmed).push(found);
    }
    const marked = new Set(ui.value.selected);
    if (ui.value.opened !== null) marked.add(ui.value.opened);
    drawHighlights(upper, plot, {
      running,
      dimmed,
      selected: [...marked].map(curve).filter((found) => found !== null),
      hovered: curve(ui.value.hovered),
      hoveredIndex: this.hoverIndex,
      best: isMain ? curve(best?.trial ?? null) : null,
      bestValue: best?.value ?? null,
      trial: (id) => run.trials[id],
    });
    if (this.drag === null) return;
    const { x0, y0, x1, y1 } = this.drag;
    upper.save();
    upper.fillStyle = plot.theme.accent;
    upper.strokeStyle = plot.theme.accent;
    upper.globalAlpha = 0.12;
    upper.fillRect(x0, y0, x1 - x0, y1 - y0);
    upper.globalAlpha = 0.8;
    upper.strokeRect(crisp(x0), crisp(y0), Math.round(x1 - x0), Math.round(y1 - y0));
    upper.restore();
  }

  private hit(x: number, y: number): ReturnType<typeof nearestCurve> {
    const run = this.context.state.value;
    if (run === null || this.plot === null) return null;
    const { metric, xAxis, projectX, projectY } = this.plot;
    return nearestCurve(run.curves.all(), metric, xAxis, projectX, projectY, x, y, HOVER_REACH_PX);
  }

  private hover(x: number, y: number): void {
    const { state, ui } = this.context;
    const hit = this.hit(x, y);
    const run = state.value;
    const row = hit === null ? undefined : run?.trials[hit.trial];
    if (hit === null || run === null || row === undefined || this.plot === null) {
      this.leave();
      return;
    }
    const curve = run.curves.get(hit.trial);
    const value = curve?.metrics[this.plot.metric]?.[hit.index] ?? Number.NaN;
    const resource = curve?.resource[hit.index] ?? Number.NaN;
    this.hoverIndex = hit.index;
    this.card.plot.style.cursor = 'pointer';
    ui.update({ hovered: hit.trial });
    this.surface.invalidate();
    const lines = reportLines(run, row, shownMetric(run, ui.value).name, { resource, value });
    this.card.showTip(hit.x, hit.y, ...lines);
  }

  private leave(): void {
    this.hoverIndex = null;
    this.card.hideTip();
    this.card.plot.style.cursor = '';
    if (this.context.ui.value.hovered !== null) this.context.ui.update({ hovered: null });
  }

  private click(x: number, y: number, event: PointerEvent): void {
    const hit = this.hit(x, y);
    const { ui } = this.context;
    if (hit === null) {
      if (ui.value.selected.size > 0) ui.update({ selected: new Set() });
      return;
    }
    const add = event.ctrlKey || event.metaKey || event.shiftKey;
    const selected = new Set(add ? ui.value.selected : []);
    selected.add(hit.trial);
    ui.update({ selected });
    if (!add) this.open(hit.trial);
  }

  private zoom(drag: DragBox): void {
    const { axes, plot } = this;
    if (axes === null || plot === null) return;
    if (Math.abs(drag.x1 - drag.x0) < 6 || Math.abs(drag.y1 - drag.y0) < 6) return;
    const { box } = plot;
    const x = (px: number): number => (px - box.left) / (box.right - box.left);
    const y = (py: number): number => (box.bottom - py) / (box.bottom - box.top);
    this.keeper.zoomTo(axes, x(drag.x0), x(drag.x1), y(drag.y0), y(drag.y1));
    this.surface.invalidate();
  }

  private zoomAt(px: number, py: number, factor: number): void {
    const { axes, plot } = this;
    if (axes === null || plot === null) return;
    const { box } = plot;
    const x = (px - box.left) / (box.right - box.left);
    const y = (box.bottom - py) / (box.bottom - box.top);
    this.keeper.zoomTo(
      axes,
      x - x * factor,
      x + (1 - x) * factor,
      y - y * factor,
      y + (1 - y) * factor,
    );
    this.surface.invalidate();
  }

  private reset(): void {
    this.keeper.reset();
    this.surface.invalidate();
  }

  /** Arrows walk through the trials, Enter opens one, plus and minus zoom. */
  private key(event: KeyboardEvent): void {
    const run = this.context.state.value;
    if (run === null || this.plot === null) return;
    const { ui } = this.context;
    const { box } = this.plot;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      const ids = [...run.curves.all()].map((curve) => curve.trial).sort((a, b) => a - b);
      const at = ui.value.hovered === null ? -1 : ids.indexOf(ui.value.hovered);
      const next = ids[(at + step + ids.length) % ids.length];
      if (next !== undefined) ui.update({ hovered: next });
    } else if (event.key === 'Enter' && ui.value.hovered !== null) this.open(ui.value.hovered);
    else if (event.key === '+')
      this.zoomAt((box.left + box.right) / 2, (box.top + box.bottom) / 2, 0.8);
    else if (event.key === '-')
      this.zoomAt((box.left + box.right) / 2, (box.top + box.bottom) / 2, 1.25);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private describe(run: RunState, metricName: string): void {
    const best = run.best.at(-1);
    const end =
      best === undefined ? '' : `, best ${formatNumber(best.value, 4)} by trial ${best.trial}`;
    const label = `Learning curves: ${metricName} of ${run.curves.size} trials${end}`;
    if (this.card.plot.getAttribute('aria-label') !== label) {
      this.card.plot.setAttribute('aria-label', label);
    }
  }
}
