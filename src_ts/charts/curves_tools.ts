/** The tools of the learning curves: which metric, which axis, which scale. */

import { fill, h, setHidden } from '../dom/dom';
import type { RunState } from '../state/run';
import { resourceWord } from '../state/sentences';
import { Segmented, toggleButton } from './card';
import type { ViewContext } from './context';
import { isLogX, shownMetric, shownX } from './curves_axes';

export class CurveTools {
  readonly root: HTMLElement;
  private readonly metric: HTMLSelectElement;
  private readonly xAxis: Segmented<'resource' | 'time'>;
  private readonly logX: HTMLButtonElement;
  private readonly logY: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private metricKey = '';

  constructor(
    private readonly context: ViewContext,
    reset: () => void,
  ) {
    const { ui, signal } = context;
    this.metric = h('select', { class: 'stl-select', aria: { label: 'Metric of the curves' } });
    this.metric.addEventListener('change', () => ui.update({ metric: this.metric.value }), {
      signal,
    });
    this.xAxis = new Segmented(
      'Horizontal axis',
      [
        ['resource', 'epoch'],
        ['time', 'time'],
      ],
      (xAxis) => ui.update({ xAxis }),
      signal,
    );
    this.logX = toggleButton(
      'log x',
      'Logarithmic horizontal axis',
      () => {
        const run = context.state.value;
        ui.update({ logX: !(run === null ? false : isLogX(run, ui.value)) });
      },
      signal,
    );
    this.logY = toggleButton(
      'log y',
      'Logarithmic vertical axis',
      () => {
        ui.update({ logY: !ui.value.logY });
      },
      signal,
    );
    this.back = toggleButton('all', 'Back to all data (double click)', reset, signal);
    this.back.classList.add('stl-toggle-reset');
    this.back.removeAttribute('aria-pressed');
    this.root = h(
      'div',
      { class: 'stl-tools' },
      this.back,
      this.metric,
      this.xAxis.root,
      this.logX,
      this.logY,
    );
  }

  update(run: RunState, zoomed: boolean): void {
    const { value } = this.context.ui;
    const names = run.curves.metricNames;
    const key = names.join('\n');
    if (key !== this.metricKey) {
      this.metricKey = key;
      fill(this.metric, ...names.map((name) => h('option', { attrs: { value: name } }, name)));
    }
    setHidden(this.metric, names.length < 2);
    const { name } = shownMetric(run, value);
    if (this.metric.value !== name) this.metric.value = name;
    this.xAxis.set(shownX(run, value), { resource: resourceWord(run.header) });
    this.logX.setAttribute('aria-pressed', String(isLogX(run, value)));
    this.logY.setAttribute('aria-pressed', String(value.logY));
    setHidden(this.back, !zoomed);
  }
}
