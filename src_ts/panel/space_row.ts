/** One hyperparameter of the space drawer. */

import { viridis } from '../charts/theme';
import { fill, h, setHidden, setText } from '../dom/dom';
import { icon } from '../dom/icons';
import type { Json } from '../protocol/json';
import type { TrialRow } from '../protocol/messages';
import { formatValue, plural } from '../state/format';
import { choiceBins, rangeBins } from '../state/histogram';
import {
  complaint,
  type Edit,
  type Entry,
  editOf,
  entryText,
  isChanged,
  parseValue,
} from '../state/space';
import { RangeEditor } from './space_range';

const N_BINS = 24;

export class SpaceRow {
  readonly root: HTMLElement;
  /** null: as it was. */
  edit: Edit | null = null;
  private readonly editor = h('div', { class: 'stl-space-editor' });
  private readonly note = h('div', { class: 'stl-space-note' });
  private readonly error = h('div', { class: 'stl-field-error', role: 'alert' });
  private readonly pin: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private range: RangeEditor | null = null;
  private rows: readonly TrialRow[] = [];
  private standing: ReadonlyMap<number, number> = new Map();

  constructor(
    readonly name: string,
    readonly entry: Entry,
    private readonly changed: () => void,
    private readonly signal: AbortSignal,
  ) {
    this.pin = h(
      'button',
      {
        class: 'stl-tool stl-pin',
        title: 'Pin to one value',
        aria: { label: `Pin ${name} to one value`, pressed: 'false' },
        data: { action: 'pin', name },
        attrs: { type: 'button' },
      },
      icon('pin'),
    );
    this.pin.hidden = entry.kind === 'constant' || entry.kind === 'other';
    this.pin.addEventListener('click', () => this.togglePin(), { signal });
    this.undo = h(
      'button',
      { class: 'stl-linklike', data: { action: 'undo-edit', name }, attrs: { type: 'button' } },
      'undo',
    );
    this.undo.addEventListener('click', () => this.put(null, true), { signal });
    this.root = h(
      'div',
      { class: 'stl-space-row', role: 'group', aria: { label: name } },
      h('div', { class: 'stl-space-name' }, h('b', { title: name }, name), this.pin),
      this.editor,
      h('div', { class: 'stl-space-tail' }, this.note, this.undo, this.error),
    );
    this.build();
  }

  /** What is wrong with it, as far as this side can tell. */
  get complaint(): string | null {
    return this.edit === null ? null : complaint(this.entry, this.edit);
  }

  setError(text: string | null): void {
    setText(this.error, text ?? '');
    this.root.classList.toggle('stl-space-bad', text !== null);
  }

  setData(rows: readonly TrialRow[], standing: ReadonlyMap<number, number>): void {
    this.rows = rows;
    this.standing = standing;
    this.drawData();
  }

  reset(): void {
    this.put(null, true);
  }

  private put(edit: Edit | null, rebuild: boolean): void {
    this.edit = edit !== null && isChanged(this.entry, edit) ? edit : null;
    if (rebuild) this.build();
    this.update();
    this.changed();
  }

  private current(): Edit | null {
    return this.edit ?? editOf(this.entry);
  }

  private build(): void {
    const edit = this.current();
    this.range = null;
    if (this.entry.kind === 'other' || edit === null) {
      fill(this.editor, h('span', { class: 'stl-dim' }, entryText(this.entry)));
    } else if (edit.kind === 'constant') this.buildConstant(edit.value);
    else if (edit.kind === 'range' && this.entry.kind === 'range') {
      this.range = new RangeEditor(
        this.name,
        this.entry,
        edit,
        (next) => this.put(next, false),
        this.signal,
      );
      fill(this.editor, this.range.root);
    } else if (edit.kind === 'choice' && this.entry.kind === 'choice') {
      this.buildChips(edit.categories);
    }
    this.drawData();
    this.update();
  }

  private buildConstant(value: Json): void {
    const field = h('input', {
      class: 'stl-input stl-constant',
      aria: { label: `Value of ${this.name}` },
      data: { role: 'space-constant', name: this.name },
      attrs: { type: 'text', spellcheck: 'false' },
    });
    field.value = formatValue(value, 12).replace('−', '-');
    const wasText = typeof value === 'string' && this.entry.kind === 'constant';
    field.addEventListener(
      'input',
      () =>
        this.put(
          { kind: 'constant', value: wasText ? field.value : parseValue(field.value) },
          false,
        ),
      { signal: this.signal },
    );
    fill(
      this.editor,
      h('label', { class: 'stl-constant-label' }, h('span', { class: 'stl-dim' }, 'always'), field),
    );
  }

  private buildChips(kept: readonly Json[]): void {
    if (this.entry.kind !== 'choice') return;
    const added = kept.filter((one) => !this.hasOriginal(one));
    const all = [...this.entry.categories, ...added];
    const bins = choiceBins(this.rows, this.name, all, this.standing);
    const chips = all.map((category, i) => {
      const on = kept.some((one) => JSON.stringify(one) === JSON.stringify(category));
      const bin = bins[i];
      const swatch = h('i', { class: 'stl-chip-swatch' });
      if (bin !== undefined && !Number.isNaN(bin.standing))
        swatch.style.background = viridis(bin.standing);
      const chip = h(
        'button',
        {
          class: 'stl-chip',
          title: `${plural(bin?.count ?? 0, 'trial')} with ${formatValue(category)}`,
          aria: { pressed: String(on), label: `${formatValue(category)} of ${this.name}` },
          data: { action: 'toggle-choice', name: this.name },
          attrs: { type: 'button' },
        },
        swatch,
        h('span', {}, formatValue(category)),
        h('small', {}, String(bin?.count ?? 0)),
      );
      chip.addEventListener('click', () => this.toggleChoice(category, !on), {
        signal: this.signal,
      });
      return chip;
    });
    const add = h('input', {
      class: 'stl-input stl-chip-add',
      aria: { label: `Another choice for ${this.name}` },
      attrs: { type: 'text', placeholder: '+ add', spellcheck: 'false' },
    });
    add.addEventListener(
      'keydown',
      (event) => {
        if (event.key !== 'Enter' || add.value.trim() === '') return;
        event.preventDefault();
        const isText = this.entry.kind === 'choice' && typeof this.entry.categories[0] === 'string';
        this.toggleChoice(isText ? add.value.trim() : parseValue(add.value), true);
      },
      { signal: this.signal },
    );
    fill(this.editor, h('div', { class: 'stl-chips' }, ...chips, add));
  }

  private hasOriginal(category: Json): boolean {
    const text = JSON.stringify(category);
    return (
      this.entry.kind === 'choice' &&
      this.entry.categories.some((one) => JSON.stringify(one) === text)
    );
  }

  private toggleChoice(category: Json, on: boolean): void {
    const now = this.current();
    if (this.entry.kind !== 'choice' || now?.kind !== 'choice') return;
    const text = JSON.stringify(category);
    const kept = now.categories.filter((one) => JSON.stringify(one) !== text);
    if (on) kept.push(category);
    const order = this.entry.categories.map((one) => JSON.stringify(one));
    const rank = (one: Json): number => {
      const at = order.indexOf(JSON.stringify(one));
      return at < 0 ? order.length : at;
    };
    const categories = [...kept].sort((a, b) => rank(a) - rank(b));
    if (this.entry.ordered && categories.every((one) => typeof one === 'number')) {
      categories.sort((a, b) => Number(a) - Number(b));
    }
    this.put({ kind: 'choice', categories }, true);
  }

  private togglePin(): void {
    if (this.edit?.kind === 'constant') this.put(null, true);
    else this.put({ kind: 'constant', value: this.bestValue() }, true);
  }

  /** What the best trial had; else something of the range. */
  private bestValue(): Json {
    let found: Json | undefined;
    let best = Number.NEGATIVE_INFINITY;
    for (const row of this.rows) {
      const standing = this.standing.get(row.id) ?? Number.NEGATIVE_INFINITY;
      if (standing > best) {
        best = standing;
        found = row.config[this.name];
      }
    }
    if (found !== undefined) return found;
    if (this.entry.kind === 'range') return this.entry.lower;
    return this.entry.kind === 'choice' ? (this.entry.categories[0] ?? null) : null;
  }

  private drawData(): void {
    if (this.range !== null && this.entry.kind === 'range') {
      this.range.setBins(rangeBins(this.rows, this.name, this.entry, this.standing, N_BINS));
    }
  }

  private update(): void {
    const { edit } = this;
    this.pin.setAttribute(
      'aria-pressed',
      String(edit?.kind === 'constant' || this.entry.kind === 'constant'),
    );
    this.root.classList.toggle('stl-space-changed', edit !== null);
    setHidden(this.undo, edit === null);
    if (edit === null) fill(this.note);
    else {
      fill(this.note, h('s', {}, entryText(this.entry)), ' → ', h('b', {}, entryText(edit)));
    }
    this.setError(this.complaint);
  }
}
