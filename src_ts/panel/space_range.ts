/** Editing a range: a histogram of what was tried, two handles, two number fields, the scale. */

import { viridis } from '../charts/theme';
import { fill, h, setAttr, setHidden } from '../dom/dom';
import { formatShort, plural } from '../state/format';
import { type Bin, placeOf, valueAtPlace } from '../state/histogram';
import type { Edit, Entry, SpaceScale } from '../state/space';

type RangeEntry = Extract<Entry, { kind: 'range' }>;
type RangeEdit = Extract<Edit, { kind: 'range' }>;

const KEY_STEP = 0.02;

export class RangeEditor {
  readonly root: HTMLElement;
  private readonly bars = h('div', { class: 'stl-bars', aria: { hidden: 'true' } });
  private readonly keep = h('div', { class: 'stl-track-keep' });
  private readonly lower: HTMLElement;
  private readonly upper: HTMLElement;
  private readonly lowerField: HTMLInputElement;
  private readonly upperField: HTMLInputElement;
  private readonly scale: HTMLSelectElement;
  /** The axis: from the entry, widened when the user types beyond it. */
  private axis: { lower: number; upper: number; scale: SpaceScale };

  constructor(
    private readonly name: string,
    private readonly entry: RangeEntry,
    private edit: RangeEdit,
    private readonly changed: (edit: RangeEdit) => void,
    signal: AbortSignal,
  ) {
    this.axis = { lower: entry.lower, upper: entry.upper, scale: entry.scale };
    this.lower = this.handle('lower', signal);
    this.upper = this.handle('upper', signal);
    this.lowerField = this.field('lower', signal);
    this.upperField = this.field('upper', signal);
    this.scale = h(
      'select',
      { class: 'stl-select', aria: { label: `Scale of ${name}` } },
      ...(['linear', 'log', 'reverse log'] as const)
        .filter(
          (one) =>
            one !== 'reverse log' ||
            entry.scale === one ||
            (!entry.integer && entry.lower >= 0 && entry.upper < 1),
        )
        .map((one) => h('option', { attrs: { value: one } }, one)),
    );
    this.scale.disabled = !entry.freeScale;
    this.scale.addEventListener(
      'change',
      () => {
        const scale = this.scale.value as SpaceScale;
        if (scale === 'linear' || this.axis.lower > 0) this.axis = { ...this.axis, scale };
        this.put({ ...this.edit, scale });
      },
      { signal },
    );
    this.root = h(
      'div',
      { class: 'stl-range' },
      h('div', { class: 'stl-track' }, this.bars, this.keep, this.lower, this.upper),
      h(
        'div',
        { class: 'stl-range-fields' },
        this.lowerField,
        h('span', { class: 'stl-dim' }, 'to'),
        this.upperField,
        this.scale,
        entry.note === null ? null : h('span', { class: 'stl-dim' }, entry.note),
      ),
    );
    this.draw();
  }

  setBins(bins: readonly Bin[]): void {
    const most = Math.max(1, ...bins.map((bin) => bin.count));
    fill(
      this.bars,
      ...bins.map((bin) => {
        const bar = h('i', { title: `${plural(bin.count, 'trial')}` });
        bar.style.height = bin.count === 0 ? '0' : `${Math.max(8, (bin.count / most) * 100)}%`;
        bar.style.background = Number.isNaN(bin.standing) ? '' : viridis(bin.standing);
        return bar;
      }),
    );
  }

  /** Shows an edit that was made elsewhere. */
  set(edit: RangeEdit): void {
    this.edit = edit;
    this.draw();
  }

  private put(edit: RangeEdit): void {
    this.edit = edit;
    this.draw();
    this.changed(edit);
  }

  private handle(end: 'lower' | 'upper', signal: AbortSignal): HTMLElement {
    const handle = h('div', {
      class: `stl-handle stl-handle-${end}`,
      role: 'slider',
      aria: { label: `${end} end of ${this.name}` },
      data: { action: `space-${end}`, name: this.name },
      attrs: { tabindex: '0' },
    });
    handle.addEventListener(
      'pointerdown',
      (event) => {
        event.preventDefault();
        handle.focus();
        handle.setPointerCapture(event.pointerId);
      },
      { signal },
    );
    handle.addEventListener(
      'pointermove',
      (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const bounds = handle.parentElement?.getBoundingClientRect();
        if (bounds !== undefined) this.move(end, (event.clientX - bounds.left) / bounds.width);
      },
      { signal },
    );
    handle.addEventListener(
      'keydown',
      (event) => {
        const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (way === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        this.move(end, this.place(this.edit[end]) + way * KEY_STEP, way);
      },
      { signal },
    );
    return handle;
  }

  private field(end: 'lower' | 'upper', signal: AbortSignal): HTMLInputElement {
    const field = h('input', {
      class: 'stl-input stl-number',
      aria: { label: `${end} end of ${this.name}` },
      data: { role: `space-${end}`, name: this.name },
      attrs: { type: 'text', inputmode: 'decimal', spellcheck: 'false' },
    });
    field.addEventListener(
      'input',
      () => {
        const value = field.value.trim() === '' ? Number.NaN : Number(field.value);
        const edit = { ...this.edit, [end]: value };
        this.edit = edit;
        this.widen(edit);
        this.drawHandles();
        this.changed(edit);
      },
      { signal },
    );
    return field;
  }

  private widen(edit: RangeEdit): void {
    const positive = this.axis.scale === 'linear' || edit.lower > 0;
    if (!Number.isFinite(edit.lower) || !Number.isFinite(edit.upper) || !positive) return;
    this.axis = {
      ...this.axis,
      lower: Math.min(this.entry.lower, edit.lower),
      upper: Math.max(this.entry.upper, edit.upper),
    };
  }

  private place(value: number): number {
    return placeOf(this.axis.scale, this.axis.lower, this.axis.upper, value);
  }

  private move(end: 'lower' | 'upper', place: number, way = 0): void {
    const clamped = Math.min(1, Math.max(0, place));
    const raw = valueAtPlace(this.axis.scale, this.axis.lower, this.axis.upper, clamped);
    let value = this.entry.integer ? Math.round(raw) : rounded(raw);
    if (this.entry.integer && value === this.edit[end]) value += way;
    // The ends of the axis are exactly what they were.
    if (clamped === 0) value = this.axis.lower;
    if (clamped === 1) value = this.axis.upper;
    const other = end === 'lower' ? this.edit.upper : this.edit.lower;
    if (end === 'lower' ? value > other : value < other) value = other;
    this.put({ ...this.edit, [end]: value });
  }

  private draw(): void {
    for (const [field, end] of [
      [this.lowerField, 'lower'],
      [this.upperField, 'upper'],
    ] as const) {
      const value = this.edit[end];
      if (Number(field.value) !== value || field.value === '') field.value = String(value);
    }
    this.scale.value = this.edit.scale;
    this.drawHandles();
  }

  private drawHandles(): void {
    const low = clampShare(this.place(this.edit.lower));
    const high = clampShare(this.place(this.edit.upper));
    this.keep.style.left = `${low * 100}%`;
    this.keep.style.right = `${(1 - high) * 100}%`;
    for (const [handle, end, share] of [
      [this.lower, 'lower', low],
      [this.upper, 'upper', high],
    ] as const) {
      handle.style.left = `${share * 100}%`;
      setAttr(handle, 'aria-valuemin', String(this.axis.lower));
      setAttr(handle, 'aria-valuemax', String(this.axis.upper));
      setAttr(handle, 'aria-valuenow', String(this.edit[end]));
      handle.title = formatShort(this.edit[end]);
    }
    setHidden(this.keep, false);
  }
}

function clampShare(share: number): number {
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
}

/** Three significant digits: a handle is no finer than that. */
function rounded(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(3));
}
