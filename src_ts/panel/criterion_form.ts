/** When the run ends by itself. */

import { fill, h, setText } from '../dom/dom';
import type { Json, JsonObject } from '../protocol/json';
import type { PanelContext } from './context';

interface Rule {
  readonly name: string;
  readonly text: string;
  readonly unit: string;
  readonly integer: boolean;
}

const RULES: readonly Rule[] = [
  { name: 'max_wallclock_time', text: 'time', unit: 's', integer: false },
  {
    name: 'max_num_trials_started',
    text: 'trials started',
    unit: 'trials',
    integer: true,
  },
  {
    name: 'max_num_trials_completed',
    text: 'trials completed',
    unit: 'trials',
    integer: true,
  },
  {
    name: 'max_num_trials_finished',
    text: 'trials ended in any way',
    unit: 'trials',
    integer: true,
  },
  { name: 'max_num_evaluations', text: 'reports', unit: 'reports', integer: true },
  { name: 'max_cost', text: 'cost', unit: 'US$', integer: false },
];

/** Rules on values of metrics are shown, but edited in code. */
const METRIC_RULES: Readonly<Record<string, string>> = {
  min_metric_value: 'once a metric falls below',
  max_metric_value: 'once a metric exceeds',
};

export class CriterionForm {
  readonly root: HTMLElement;
  private readonly list = h('div', { class: 'stl-form-fields' });
  private readonly also = h('p', { class: 'stl-dim' });
  private readonly submit: HTMLButtonElement;
  private inputs = new Map<string, HTMLInputElement>();
  private errors = new Map<string, HTMLElement>();
  private key: string | null = null;

  constructor(private readonly context: PanelContext) {
    const { signal, state, ui } = context;
    this.submit = h(
      'button',
      {
        class: 'stl-button stl-primary',
        data: { action: 'set-stop-criterion' },
        attrs: { type: 'submit' },
      },
      'Apply',
    );
    const form = h(
      'form',
      { class: 'stl-form' },
      h(
        'p',
        { class: 'stl-dim' },
        'The run ends as soon as one of these is reached. An empty field sets no limit.',
      ),
      this.list,
      this.also,
      h('div', { class: 'stl-form-foot' }, this.submit),
    );
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        void this.send();
      },
      { signal },
    );
    form.addEventListener('input', () => this.check(), { signal });
    this.root = h(
      'section',
      {
        class: 'stl-section',
        aria: { label: 'When the run ends' },
        data: { role: 'criterion-form' },
      },
      form,
    );
    const update = (): void => this.update();
    state.subscribe(update, signal);
    ui.subscribe(update, signal);
    this.update();
  }

  private update(): void {
    const header = this.context.state.value?.header;
    if (header === undefined || this.context.ui.value.drawer !== 'criterion') return;
    const key = JSON.stringify(header.stopCriterion);
    if (key === this.key) return;
    this.key = key;
    const criterion = header.stopCriterion;
    if (criterion === null) {
      this.inputs.clear();
      fill(
        this.list,
        h(
          'p',
          {},
          'This run ends by a rule of its own, written in code. It can be stopped above, or changed in a cell.',
        ),
      );
      this.submit.hidden = true;
      return;
    }
    this.submit.hidden = false;
    this.inputs = new Map();
    this.errors = new Map();
    fill(this.list, ...RULES.map((rule) => this.field(rule, criterion[rule.name] ?? null)));
    const metrics = Object.entries(METRIC_RULES)
      .filter(([name]) => criterion[name] !== null && criterion[name] !== undefined)
      .map(([name, text]) => `${text}: ${JSON.stringify(criterion[name])}`);
    setText(this.also, metrics.length === 0 ? '' : `Also ${metrics.join('; ')}.`);
    this.check();
  }

  private field(rule: Rule, value: Json): HTMLElement {
    const input = h('input', {
      class: 'stl-input stl-number',
      data: { name: rule.name },
      attrs: { type: 'text', inputmode: 'decimal', placeholder: 'no limit' },
    });
    if (typeof value === 'number') input.value = String(value);
    const error = h('span', { class: 'stl-field-error' });
    this.inputs.set(rule.name, input);
    this.errors.set(rule.name, error);
    return h(
      'label',
      { class: 'stl-form-field' },
      h('span', {}, rule.text),
      input,
      h('small', { class: 'stl-dim' }, rule.unit),
      error,
    );
  }

  private changes(): { changes: JsonObject; wrong: boolean } {
    const criterion = this.context.state.value?.header.stopCriterion ?? {};
    const changes: Record<string, Json> = {};
    let wrong = false;
    for (const rule of RULES) {
      const text = this.inputs.get(rule.name)?.value.trim() ?? '';
      const value = text === '' ? null : Number(text);
      const complaint = complaintOf(rule, value);
      const bad = complaint !== null;
      setText(this.errors.get(rule.name) ?? h('span'), complaint ?? '');
      wrong ||= bad;
      if (!bad && value !== (criterion[rule.name] ?? null)) changes[rule.name] = value;
    }
    return { changes, wrong };
  }

  private check(): void {
    const { changes, wrong } = this.changes();
    const obstacle = this.context.actions.obstacle();
    this.submit.disabled = wrong || Object.keys(changes).length === 0 || obstacle !== null;
    this.submit.title = obstacle ?? '';
  }

  private async send(): Promise<void> {
    const { changes } = this.changes();
    await this.context.actions.send(
      'set_stop_criterion',
      changes,
      'Change when the run ends',
      this.submit,
    );
  }
}

function complaintOf(rule: Rule, value: number | null): string | null {
  if (value === null) return null;
  if (rule.integer && !Number.isInteger(value)) return 'a whole number above 0';
  return Number.isFinite(value) && value > 0 ? null : 'a number above 0';
}
