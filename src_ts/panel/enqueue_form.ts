/** Adding a configuration by hand, or one that was tried before. */

import { fill, h, setText } from '../dom/dom';
import type { Json, JsonObject } from '../protocol/json';
import type { TrialRow } from '../protocol/messages';
import { formatValue } from '../state/format';
import { type Entry, entryText, parseValue, readEntry } from '../state/space';
import type { PanelContext } from './context';

interface Field {
  readonly name: string;
  readonly entry: Entry;
  readonly input: HTMLInputElement | HTMLSelectElement;
  readonly error: HTMLElement;
}

export class EnqueueForm {
  readonly root: HTMLElement;
  private readonly list = h('div', { class: 'stl-form-fields' });
  private readonly submit: HTMLButtonElement;
  private fields: Field[] = [];
  private key = '';

  constructor(private readonly context: PanelContext) {
    const { signal, state, ui } = context;
    this.submit = h(
      'button',
      { class: 'stl-button stl-primary', data: { action: 'enqueue' }, attrs: { type: 'submit' } },
      'Try it next',
    );
    const form = h(
      'form',
      { class: 'stl-form' },
      h('p', { class: 'stl-dim' }, 'The next free worker takes this configuration.'),
      this.list,
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
        aria: { label: 'Add a configuration' },
        data: { role: 'enqueue-form' },
      },
      form,
    );
    const update = (): void => this.update();
    state.subscribe(update, signal);
    ui.subscribe(update, signal);
    context.source.link.subscribe(update, signal);
    this.update();
  }

  /** Fills the fields with a configuration. */
  preset(row: TrialRow): void {
    this.key = '';
    this.update();
    for (const field of this.fields) {
      const value = row.config[field.name];
      if (value !== undefined) field.input.value = exactText(value);
    }
    this.check();
  }

  private update(): void {
    const run = this.context.state.value;
    if (run === null || this.context.ui.value.drawer !== 'enqueue') return;
    const key = `${run.run}|${run.header.spaceVersion}`;
    if (key !== this.key) {
      this.key = key;
      const best = run.trials[run.best.at(-1)?.trial ?? -1];
      this.build(run.header.configSpace, run.header.hyperparameters, best);
    }
    const over = run.header.state === 'finished' || run.header.state === 'failed';
    this.submit.disabled = this.context.actions.obstacle() !== null || over || !this.valid();
    this.submit.title = this.context.actions.obstacle() ?? '';
  }

  private build(space: JsonObject, names: readonly string[], start: TrialRow | undefined): void {
    this.fields = names.map((name) => {
      const entry = readEntry(space[name]);
      const input = inputFor(name, entry);
      const value = start?.config[name] ?? firstOf(entry);
      if (value !== undefined && value !== null) input.value = exactText(value);
      return { name, entry, input, error: h('span', { class: 'stl-field-error' }) };
    });
    fill(
      this.list,
      ...this.fields.map((field) =>
        h(
          'label',
          { class: 'stl-form-field' },
          h('span', { title: field.name }, field.name),
          field.input,
          h(
            'small',
            { class: 'stl-dim' },
            field.entry.kind === 'choice' ? '' : entryText(field.entry),
          ),
          field.error,
        ),
      ),
    );
    this.check();
  }

  private check(): void {
    for (const field of this.fields) setText(field.error, problem(field) ?? '');
    const run = this.context.state.value;
    const over = run?.header.state === 'finished' || run?.header.state === 'failed';
    this.submit.disabled = this.context.actions.obstacle() !== null || over || !this.valid();
  }

  private valid(): boolean {
    return this.fields.every((field) => problem(field) === null);
  }

  private async send(): Promise<void> {
    const config: Record<string, Json> = {};
    for (const field of this.fields) config[field.name] = fieldValue(field);
    const outcome = await this.context.actions.enqueue(config, this.submit);
    if (outcome.ok) this.update();
  }
}

function inputFor(name: string, entry: Entry): HTMLInputElement | HTMLSelectElement {
  if (entry.kind === 'choice') {
    return h(
      'select',
      { class: 'stl-select', data: { name } },
      ...entry.categories.map((one) =>
        h('option', { attrs: { value: exactText(one) } }, formatValue(one)),
      ),
    );
  }
  return h('input', {
    class: 'stl-input',
    data: { name },
    attrs: { type: 'text', spellcheck: 'false', autocomplete: 'off' },
  });
}

function exactText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function firstOf(entry: Entry): Json | undefined {
  if (entry.kind === 'range') return entry.lower;
  return entry.kind === 'choice'
    ? entry.categories[0]
    : entry.kind === 'constant'
      ? entry.value
      : undefined;
}

function fieldValue(field: Field): Json {
  const { entry, input } = field;
  if (entry.kind === 'choice') {
    return entry.categories.find((one) => exactText(one) === input.value) ?? input.value;
  }
  return parseValue(input.value);
}

function problem(field: Field): string | null {
  const { entry, input } = field;
  if (entry.kind !== 'range') return null;
  const value = Number(input.value);
  if (input.value.trim() === '' || !Number.isFinite(value)) return 'a number is needed';
  if (entry.integer && !Number.isInteger(value)) return 'a whole number is needed';
  if (value < entry.lower || value > entry.upper) return 'outside of the space';
  return null;
}
