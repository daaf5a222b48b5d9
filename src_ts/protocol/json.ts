/** Reading values that came over the wire: everything is `unknown` until it passed through here. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** The other side sent something that this side does not understand. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value, with what JSON does not know (undefined, functions, NaN) as null. */
export function toJson(value: unknown): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(toJson);
  if (isObject(value)) return toJsonObject(value);
  return null;
}

export function toJsonObject(value: unknown): JsonObject {
  const result: Record<string, Json> = {};
  if (!isObject(value)) return result;
  for (const [key, entry] of Object.entries(value)) result[key] = toJson(entry);
  return result;
}

/** The fields of one object, read by name and type; errors say where they are. */
export class Fields {
  private constructor(
    private readonly data: Readonly<Record<string, unknown>>,
    readonly where: string,
  ) {}

  static of(value: unknown, where: string): Fields {
    if (!isObject(value)) throw new ProtocolError(`${where} is no object`);
    return new Fields(value, where);
  }

  has(key: string): boolean {
    return this.data[key] !== undefined;
  }

  raw(key: string): unknown {
    return this.data[key];
  }

  string(key: string): string {
    const value = this.data[key];
    if (typeof value !== 'string') throw this.wrong(key, 'a string');
    return value;
  }

  stringOrNull(key: string): string | null {
    const value = this.data[key];
    if (value === null || value === undefined) return null;
    if (typeof value !== 'string') throw this.wrong(key, 'a string or null');
    return value;
  }

  number(key: string): number {
    const value = this.data[key];
    if (typeof value !== 'number') throw this.wrong(key, 'a number');
    return value;
  }

  /** null where the number is absent, null or not finite. */
  numberOrNull(key: string): number | null {
    const value = this.data[key];
    if (value === null || value === undefined) return null;
    if (typeof value !== 'number') throw this.wrong(key, 'a number or null');
    return Number.isFinite(value) ? value : null;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.data[key];
    if (value === null || value === undefined) return fallback;
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false');
    return value;
  }

  booleanOrNull(key: string): boolean | null {
    const value = this.data[key];
    return typeof value === 'boolean' ? value : null;
  }

  /** One of a closed set of words. */
  word<T extends string>(key: string, words: readonly T[]): T {
    const value = this.string(key);
    const found = words.find((word) => word === value);
    if (found === undefined) throw this.wrong(key, `one of ${words.join(', ')}`);
    return found;
  }

  /** Each element read by `read`; an absent list is empty. */
  list<T>(key: string, read: (value: unknown, where: string) => T): T[] {
    const value = this.data[key];
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw this.wrong(key, 'a list');
    return value.map((entry, i) => read(entry, `${this.where}.${key}[${i}]`));
  }

  object(key: string): JsonObject {
    return toJsonObject(this.data[key]);
  }

  objectOrNull(key: string): JsonObject | null {
    return isObject(this.data[key]) ? toJsonObject(this.data[key]) : null;
  }

  private wrong(key: string, right: string): ProtocolError {
    return new ProtocolError(`${this.where}.${key} must be ${right}`);
  }
}

export function readString(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new ProtocolError(`${where} must be a string`);
  return value;
}

export function readNumber(value: unknown, where: string): number {
  if (typeof value !== 'number') throw new ProtocolError(`${where} must be a number`);
  return value;
}
