/** Who is in which rung: the view that tells what a multi-fidelity scheduler is doing. */

import { fill, h, setHidden } from '../dom/dom';
import type { TrialId } from '../protocol/messages';
import { formatNumber, formatShort } from '../state/format';
import { mainMetric, type RunState } from '../state/run';
import { brackets, type Rung, rungsOf } from '../state/rungs';
import { entrySentence, resourceWord, rungCounts, rungHead, shownStatus } from '../state/sentences';
import { clear, plotBox } from './axes';
import { Card, type DataTable } from './card';
import type { ViewContext } from './context';
import { styleOf } from './curves_geometry';
import { watchPointer } from './pointer';
import { drawRungHighlight, drawRungs, type RungPicture } from './rungs_draw';
import { type Dot, layoutRungs, nearestDot, neighbour, type Traveller } from './rungs_geometry';
import { type Extent, grow, projector, robustExtent, scaleFor } from './scale';
import { type Frame, Surface } from './surface';
import { configLines, tipLine, trialTitle } from './tip';

const REACH_PX = 12;

export class RungsChart {
  readonly root: HTMLElement;
  private readonly card: Card;
  private readonly surface: Surface;
  private readonly tabs: HTMLElement;
  private tabsKey = '';
  private extent: Extent | null = null;
  private extentKey = '';
  private picture: RungPicture | null = null;
  private focus: Dot | null = null;
  private drawnState: RunState | null = null;

  constructor(
    private readonly context: ViewContext,
    private readonly open: (trial: TrialId) => void,
  ) {
    const { signal, state, ui, theme } = context;
    this.card = new Card('rungs', 'Rungs', () => this.table(), signal);
    this.tabs = h('div', { class: 'stl-segmented', role: 'group', aria: { label: 'Bracket' } });
    this.card.tools.append(this.tabs);
    this.root = this.card.root;
    this.surface = new Surface(this.card.plot, 2, (frame) => this.draw(frame), signal);
    state.subscribe(() => {
      this.card.refreshTable();
      this.surface.invalidate();
    }, signal);
    ui.subscribe(() => this.surface.invalidate(), signal);
    theme.subscribe(() => {
      this.drawnState = null;
      this.surface.invalidate();
    }, signal);
    watchPointer(
      this.card.plot,
      {
        box: () => this.picture?.box ?? null,
        hover: (x, y) => this.point(this.dotAt(x, y)),
        leave: () => this.point(null),
        click: (x, y) => {
          const dot = this.dotAt(x, y);
          if (dot === null) return;
          ui.update({ selected: new Set([dot.trial]) });
          this.open(dot.trial);
        },
      },
      signal,
    );
    this.card.plot.addEventListener('keydown', (event) => this.key(event), { signal });
    this.card.plot.addEventListener('blur', () => this.point(null), { signal });
  }

  private bracketOf(run: RunState): number {
    const all = brackets(run.rungs);
    const wanted = this.context.ui.value.bracket;
    return wanted !== null && all.includes(wanted) ? wanted : (all[0] ?? 0);
  }

  private draw(frame: Frame): void {
    const { state, ui } = this.context;
    const [base, upper] = frame.layers;
    if (base === undefined || upper === undefined) return;
    const run = state.value;
    if (run === null || run.rungs.size === 0) {
      clear(base, frame.widthCss, frame.heightCss);
      clear(upper, frame.widthCss, frame.heightCss);
      this.picture = null;
      this.drawnState = null;
      this.card.setNote(
        run === null ? 'Waiting for the run …' : 'No trial has reached a rung yet.',
      );
      return;
    }
    this.card.setNote(null);
    const bracket = this.bracketOf(run);
    this.drawTabs(run, bracket);
    const key = `${run.run}|${bracket}|${ui.value.logY}`;
    if (frame.fresh || this.drawnState !== run || key !== this.extentKey || this.picture === null) {
      if (key !== this.extentKey) this.extent = null;
      this.extentKey = key;
      this.picture = this.layout(base, run, bracket, frame);
      clear(base, frame.widthCss, frame.heightCss);
      drawRungs(base, this.picture);
      this.drawnState = run;
      this.describe(run, bracket);
    }
    clear(upper, frame.widthCss, frame.heightCss);
    const marked = new Set(ui.value.selected);
    if (ui.value.hovered !== null) marked.add(ui.value.hovered);
    if (ui.value.opened !== null) marked.add(ui.value.opened);
    const { focus } = this;
    const current =
      focus === null
        ? null
        : (this.picture.layout.dots.find(
            (dot) => dot.trial === focus.trial && dot.column === focus.column,
          ) ?? null);
    drawRungHighlight(upper, this.picture, marked, current);
  }

  private layout(
    base: CanvasRenderingContext2D,
    run: RunState,
    bracket: number,
    frame: Frame,
  ): RungPicture {
    const { ui, theme } = this.context;
    const rungs = rungsOf(run.rungs, bracket);
    const metric = mainMetric(run.header);
    const travellers = this.travellers(run, bracket);
    const values = [
      ...rungs.flatMap((rung) =>
        [...rung.entries.values()].map((entry) => entry.value ?? Number.NaN),
      ),
      ...travellers.map(({ value }) => value ?? Number.NaN),
    ];
    this.extent = grow(this.extent, robustExtent(Float64Array.from(values), metric.mode), 0.1);
    const y = scaleFor(ui.value.logY ? 'log' : 'linear', this.extent);
    const wide = plotBox(base, theme.value, y, frame.widthCss, frame.heightCss);
    const box = { ...wide, left: Math.max(wide.left, 34), top: wide.top + 26 };
    const layout = layoutRungs(
      rungs,
      levelsOf(run, bracket, rungs),
      (id) => run.trials[id],
      travellers,
      box,
      projector(y, box.bottom, box.top),
    );
    return {
      layout,
      box,
      y,
      metricName: metric.name,
      resourceName: resourceWord(run.header),
      theme: theme.value,
      bestTrial: run.best.at(-1)?.trial ?? null,
    };
  }

  private travellers(run: RunState, bracket: number): Traveller[] {
    const { name } = mainMetric(run.header);
    const result: Traveller[] = [];
    for (const row of run.trials) {
      if (row === undefined || styleOf(shownStatus(row)) !== 'running') continue;
      if (row.bracket !== null && row.bracket !== bracket) continue;
      const last = row.last[name];
      result.push({ row, value: typeof last === 'number' ? last : null });
    }
    return result;
  }

  private drawTabs(run: RunState, bracket: number): void {
    const all = brackets(run.rungs);
    setHidden(this.tabs, all.length < 2);
    const key = `${all.join(',')}|${bracket}`;
    if (key === this.tabsKey) return;
    this.tabsKey = key;
    fill(
      this.tabs,
      ...all.map((one) => {
        const button = h(
          'button',
          { attrs: { type: 'button' }, aria: { pressed: String(one === bracket) } },
          `bracket ${one}`,
        );
        button.addEventListener('click', () => this.context.ui.update({ bracket: one }), {
          signal: this.context.signal,
        });
        return button;
      }),
    );
  }

  private dotAt(x: number, y: number): Dot | null {
    return this.picture === null ? null : nearestDot(this.picture.layout.dots, x, y, REACH_PX);
  }

  private point(dot: Dot | null): void {
    const run = this.context.state.value;
    this.focus = dot;
    const hovered = dot?.trial ?? null;
    if (this.context.ui.value.hovered !== hovered) this.context.ui.update({ hovered });
    this.surface.invalidate();
    this.card.plot.style.cursor = dot === null ? '' : 'pointer';
    const row = dot === null ? undefined : run?.trials[dot.trial];
    if (dot === null || run === null || row === undefined) {
      this.card.hideTip();
      return;
    }
    const sentence =
      dot.entry === null
        ? `Trial ${dot.trial} is on its way: ${resourceWord(run.header)} ${formatShort(row.resource ?? 0)}`
        : entrySentence(run.header, row, dot.entry);
    this.card.showTip(
      dot.x,
      dot.y,
      trialTitle(row),
      h('p', { class: 'stl-tip-text' }, sentence),
      dot.entry?.cutoff === null || dot.entry === null
        ? null
        : tipLine('cut then', formatNumber(dot.entry.cutoff, 4)),
      h('hr'),
      ...configLines(run, row),
    );
    this.card.plot.setAttribute('aria-label', sentence);
  }

  private key(event: KeyboardEvent): void {
    const dots = this.picture?.layout.dots ?? [];
    const way = (
      { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] } as const
    )[event.key];
    const first = dots[0];
    if (way !== undefined && first !== undefined) {
      this.point(this.focus === null ? first : neighbour(dots, this.focus, way[0], way[1]));
    } else if (event.key === 'Enter' && this.focus !== null) this.open(this.focus.trial);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private describe(run: RunState, bracket: number): void {
    const text = rungsOf(run.rungs, bracket)
      .map(
        (rung) =>
          `${resourceWord(run.header)} ${formatShort(rung.level)}: ${rung.entries.size} trials`,
      )
      .join('; ');
    this.card.plot.setAttribute('aria-label', `Rungs. ${text}`);
  }

  private table(): DataTable {
    const run = this.context.state.value;
    if (run === null) return { caption: 'No data yet', head: [], rows: [] };
    const rows: string[][] = [];
    for (const bracket of brackets(run.rungs)) {
      for (const rung of rungsOf(run.rungs, bracket)) {
        const counts = rungCounts(rung.entries.values(), (id) => run.trials[id]);
        rows.push([
          String(bracket),
          formatShort(rung.level),
          rungHead(counts).join(', '),
          formatNumber(rung.cutoff, 4),
        ]);
      }
    }
    return {
      caption: `Trials in each rung by ${mainMetric(run.header).name}`,
      head: ['bracket', resourceWord(run.header), 'trials', 'cut'],
      rows,
    };
  }
}

/** All levels of a bracket, with those that nobody reached yet and the full resource. */
function levelsOf(run: RunState, bracket: number, rungs: readonly Rung[]): number[] {
  const { scheduler, maxResource } = run.header;
  const levels = new Set(rungs.map((rung) => rung.level));
  for (const level of scheduler.rungLevels[bracket] ?? []) levels.add(level);
  if (maxResource !== null) levels.add(maxResource);
  return [...levels].sort((a, b) => a - b);
}
