/** A configuration space as something to edit: what each entry is, and its JSON after an edit. */

import { isObject, type Json, type JsonObject } from '../protocol/json';
import { formatShort, formatValue } from './format';

export type SpaceScale = 'linear' | 'log' | 'reverse log';

export type Entry =
  | {
      readonly kind: 'range';
      readonly lower: number;
      readonly upper: number;
      readonly integer: boolean;
      readonly scale: SpaceScale;
      /** Whether the scale may be changed without losing something else (a step, a normal prior). */
      readonly freeScale: boolean;
      /** What else there is to say: "in steps of 4", "5 values", "normal prior". */
      readonly note: string | null;
    }
  | { readonly kind: 'choice'; readonly categories: readonly Json[]; readonly ordered: boolean }
  | { readonly kind: 'constant'; readonly value: Json }
  /** Cannot be edited here. */
  | { readonly kind: 'other'; readonly text: string };

export type Edit =
  | {
      readonly kind: 'range';
      readonly lower: number;
      readonly upper: number;
      readonly scale: SpaceScale;
    }
  | { readonly kind: 'choice'; readonly categories: readonly Json[] }
  | { readonly kind: 'constant'; readonly value: Json };

export function readEntry(value: Json | undefined): Entry {
  if (!isDomain(value)) return { kind: 'constant', value: value ?? null };
  const kwargs = objectAt(value, 'domain_kwargs');
  const cls = value.domain_cls;
  if (cls === 'Float' || cls === 'Integer') return readRange(value, kwargs, cls === 'Integer');
  if (cls === 'FiniteRange') {
    const lower = numberAt(kwargs, 'lower');
    const upper = numberAt(kwargs, 'upper');
    if (lower !== null && upper !== null) {
      return {
        kind: 'range',
        lower,
        upper,
        integer: kwargs.cast_int === true,
        scale: kwargs.log_scale === true ? 'log' : 'linear',
        freeScale: true,
        note: `${formatValue(kwargs.size ?? null)} values`,
      };
    }
  }
  const categories = kwargs.categories;
  if (Array.isArray(categories)) {
    return {
      kind: 'choice',
      categories: categories as readonly Json[],
      ordered: cls !== 'Categorical',
    };
  }
  return { kind: 'other', text: `${String(cls)} cannot be edited here` };
}

function readRange(domain: JsonObject, kwargs: JsonObject, integer: boolean): Entry {
  const lower = numberAt(kwargs, 'lower');
  const upper = numberAt(kwargs, 'upper');
  if (lower === null || upper === null) return { kind: 'other', text: 'unbounded' };
  let sampler = domain.sampler_cls;
  let note: string | null = null;
  if (sampler === 'Quantized') {
    const quantized = objectAt(domain, 'sampler_kwargs');
    note = `in steps of ${formatValue(quantized.q ?? null)}`;
    sampler = objectAt(quantized, 'sampler').sampler_cls;
  }
  if (sampler === 'Normal') note = 'normal prior';
  if (sampler === 'Grid') note = 'grid';
  const scale: SpaceScale =
    sampler === 'LogUniform' ? 'log' : sampler === 'ReverseLogUniform' ? 'reverse log' : 'linear';
  return { kind: 'range', lower, upper, integer, scale, freeScale: note === null, note };
}

/** The edit that changes nothing. */
export function editOf(entry: Entry): Edit | null {
  switch (entry.kind) {
    case 'range':
      return { kind: 'range', lower: entry.lower, upper: entry.upper, scale: entry.scale };
    case 'choice':
      return { kind: 'choice', categories: entry.categories };
    case 'constant':
      return { kind: 'constant', value: entry.value };
    default:
      return null;
  }
}

export function isChanged(entry: Entry, edit: Edit): boolean {
  return JSON.stringify(editOf(entry)) !== JSON.stringify(edit);
}

/** The entry's JSON after an edit; what the edit does not speak of stays as it was. */
export function applyEdit(original: Json | undefined, edit: Edit): Json {
  if (edit.kind === 'constant') return edit.value;
  if (!isDomain(original)) return original ?? null;
  const kwargs = objectAt(original, 'domain_kwargs');
  if (edit.kind === 'choice') {
    return { ...original, domain_kwargs: { ...kwargs, categories: edit.categories } };
  }
  const bounds = { ...kwargs, lower: edit.lower, upper: edit.upper };
  if (original.domain_cls === 'FiniteRange') {
    return { ...original, domain_kwargs: { ...bounds, log_scale: edit.scale === 'log' } };
  }
  const before = readEntry(original);
  if (before.kind === 'range' && before.scale === edit.scale) {
    return { ...original, domain_kwargs: bounds };
  }
  const names = { linear: 'Uniform', log: 'LogUniform', 'reverse log': 'ReverseLogUniform' };
  return {
    ...original,
    domain_kwargs: bounds,
    sampler_cls: names[edit.scale],
    sampler_kwargs: {},
  };
}

/** What is wrong with an edit on its own; null if nothing. The kernel has the last word. */
export function complaint(entry: Entry, edit: Edit): string | null {
  if (edit.kind === 'choice') {
    return edit.categories.length === 0 ? 'at least one choice is needed' : null;
  }
  if (edit.kind !== 'range') return null;
  if (!Number.isFinite(edit.lower) || !Number.isFinite(edit.upper))
    return 'both ends must be numbers';
  if (edit.lower > edit.upper) return 'the lower end lies above the upper one';
  if (edit.scale === 'log' && edit.lower <= 0) return 'a log scale needs a lower end above 0';
  if (edit.scale === 'reverse log' && (edit.lower < 0 || edit.upper >= 1)) {
    return 'a reverse log scale needs ends from 0 to below 1';
  }
  const whole = Number.isInteger(edit.lower) && Number.isInteger(edit.upper);
  if (entry.kind === 'range' && entry.integer && !whole) return 'both ends must be whole numbers';
  return null;
}

export function entryText(entry: Entry | Edit): string {
  switch (entry.kind) {
    case 'range': {
      const scale = entry.scale === 'linear' ? '' : `, ${entry.scale}`;
      return `${formatShort(entry.lower)} to ${formatShort(entry.upper)}${scale}`;
    }
    case 'choice':
      return entry.categories.map((one) => formatValue(one)).join(', ');
    case 'constant':
      return `always ${formatValue(entry.value)}`;
    default:
      return entry.text;
  }
}

/** From text in a field to a JSON value: numbers and true/false are such, all else is text. */
export function parseValue(text: string): Json {
  const trimmed = text.trim();
  if (trimmed === 'true' || trimmed === 'True') return true;
  if (trimmed === 'false' || trimmed === 'False') return false;
  if (trimmed === 'null' || trimmed === 'None') return null;
  const number = Number(trimmed);
  if (trimmed !== '' && Number.isFinite(number)) return number;
  return text;
}

function isDomain(value: Json | undefined): value is JsonObject {
  return isObject(value) && 'domain_cls' in value && 'domain_kwargs' in value;
}

function objectAt(value: JsonObject, key: string): JsonObject {
  const inner = value[key];
  return isObject(inner) ? (inner as JsonObject) : {};
}

function numberAt(value: JsonObject, key: string): number | null {
  const inner = value[key];
  return typeof inner === 'number' ? inner : null;
}
